"""Pictures: each from one bounded query, with its numbers in a table, leading to the list."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from django_authaudit import figures
from tests.admin.conftest import LIST, names, row, text

DASHBOARD = f"{LIST}dashboard/"


def ago(**past):
    return timezone.now() - timedelta(**past)


@pytest.fixture
def busy(reader, bob):
    """Two failures and a success of today, one failure of three days ago."""
    facts = {"reason": "invalid_password"}
    bobs = {"user_id": bob.pk, "username": "bob", "ip_address": "203.0.113.7"}
    row("auth.login.failure", at=ago(days=3), username="old", ip_address="198.51.100.1")
    row("auth.login.success", at=ago(minutes=30), **bobs)
    row("auth.login.failure", at=ago(minutes=20), metadata=facts, **bobs)
    row("auth.login.failure", at=ago(minutes=10), username="eve", ip_address="198.51.100.1")
    return reader


def shown(response):
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize(
    ("period", "failures", "bars"), [("hour", 2, 13), ("day", 2, 25), ("week", 3, 8)]
)
def test_events_over_time_are_counted_by_outcome(busy, period, failures, bars):
    columns = busy.get(DASHBOARD, {"period": period}).context["dashboard"].columns

    assert bars - 1 <= len(columns) <= bars
    assert sum(column.failures for column in columns) == failures
    assert sum(column.successes for column in columns) == 1


def test_a_bar_leads_to_its_entries_in_the_list(busy):
    page = shown(busy.get(DASHBOARD, {"period": "hour"}))
    columns = busy.get(DASHBOARD, {"period": "hour"}).context["dashboard"].columns

    found = {name for column in columns if column.failures for name in names(busy.get(column.url))}

    assert found == {"bob", "eve"}
    assert page.count("succeeded") >= 2 * len(columns)


def test_the_numbers_of_the_picture_are_in_a_table_too(busy):
    page = shown(busy.get(DASHBOARD, {"period": "day"}))
    table = page[page.index("<details>") : page.index("</details>")]

    cells = [int(cell) for cell in re.findall(r"<td>(\d+)</td>", table)]
    assert sum(cells) == 3


def test_what_fails_most_is_ranked_and_leads_to_the_list(busy, bob):
    row("auth.login.failure", at=ago(minutes=5), user_id=bob.pk, username="bob")
    dashboard = busy.get(DASHBOARD, {"period": "day"}).context["dashboard"]

    accounts, addresses, reasons = (lines for _, lines in dashboard.rankings)

    assert [(line.name, line.number, line.length) for line in accounts] == [
        ("bob", 2, "100.0"),
        ("eve (no account)", 1, "50.0"),
    ]
    assert names(busy.get(accounts[0].url)) == ["bob", "bob"]
    assert names(busy.get(accounts[1].url)) == ["eve"]
    assert [line.name for line in addresses] == ["198.51.100.1", "203.0.113.7"]
    assert names(busy.get(addresses[0].url)) == ["eve"]
    assert {(line.name, line.number) for line in reasons} == {
        ("wrong password", 1),
        ("Sign-in failed", 2),
    }
    why = {line.name: busy.get(line.url) for line in reasons}
    assert names(why["wrong password"]) == ["bob"]
    assert "By reason All wrong password" in text(why["wrong password"])
    assert len(names(why["Sign-in failed"])) == 3


def test_an_address_that_was_typed_for_a_name_is_ranked(reader):
    for n in range(2):
        row("auth.login.failure", at=ago(minutes=n + 1), email="eve@example.com")
    dashboard = reader.get(DASHBOARD).context["dashboard"]

    (line,) = dashboard.rankings[0][1]

    assert (line.name, line.number) == ("eve@example.com (no account)", 2)
    assert len(names(reader.get(line.url))) == 2


def test_an_address_that_was_seen_before_is_not_new(busy):
    page = text(busy.get(DASHBOARD, {"period": "day"}))

    new = page[page.index("New addresses") : page.index("Roles granted")]
    assert "203.0.113.7 2" in new
    assert "198.51.100.1" not in new


def test_granted_roles_are_named(reader, bob):
    role = {"role": {"kind": "group", "name": "editors"}}
    row("authz.role.granted", at=ago(hours=1), user_id=bob.pk, username="bob", metadata=role)

    assert "bob group editors" in text(reader.get(DASHBOARD))


def test_the_week_is_shown_by_the_hour_and_leads_to_the_list(busy):
    week = busy.get(DASHBOARD).context["dashboard"].week

    assert [len(cells) for _, cells in week] == [24] * 7
    cells = [cell for _, line in week for cell in line if cell.number]
    assert sum(cell.number for cell in cells) == 4
    assert max(cell.shade for cell in cells) == 5
    found = [names(busy.get(cell.url)) for cell in cells]
    assert ["old"] in found


def test_an_empty_log_has_pictures_of_nothing(reader):
    page = text(reader.get(DASHBOARD))

    assert page.count("Nothing failed.") == 3
    assert page.count("None.") == 2


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"])
@pytest.mark.parametrize("period", ["hour", "day", "week"])
def test_bars_hold_what_their_links_lead_to_in_any_zone(busy, settings, zone, period):
    settings.TIME_ZONE = zone
    columns = busy.get(DASHBOARD, {"period": period}).context["dashboard"].columns

    for column in columns:
        found = names(busy.get(column.url))
        assert len(found) == column.successes + column.failures


def test_bars_of_days_begin_at_the_sites_midnight_across_a_change_of_clocks(db):
    end = timezone.make_aware(timezone.datetime(2026, 10, 28, 12))
    found = figures.latest(figures.WEEK, until=end)

    starts = [timezone.localtime(bar.start) for bar in figures.over_time(found, figures.WEEK)]

    assert [(start.day, start.hour) for start in starts] == [(day, 0) for day in range(21, 29)]


def test_bars_of_hours_are_hours_across_a_change_of_clocks(db):
    end = timezone.make_aware(timezone.datetime(2026, 10, 25, 12))
    bars = figures.over_time(figures.latest(figures.DAY, until=end), figures.DAY)

    lengths = {bar.end.timestamp() - bar.start.timestamp() for bar in bars}
    assert lengths == {3600}


def test_of_too_many_entries_the_newest_are_drawn_and_the_picture_says_so(busy, monkeypatch):
    monkeypatch.setattr("django_authaudit.admin.auditlog.MOST_ON_THE_LIST", 2)

    page = busy.get(LIST)

    assert "The newest entries, since" in text(page)
    assert sum(c.failures + c.successes for c in page.context["overview"].columns) <= 2


def test_a_week_of_too_many_entries_says_since_when(busy, monkeypatch):
    monkeypatch.setattr(figures.latest, "__kwdefaults__", {"most": 2, "until": None})

    assert "by the hour The newest entries, since" in text(busy.get(DASHBOARD))


def test_the_list_begins_with_the_picture_of_the_last_day(busy):
    assert "Events over time Last 24 hours" in text(busy.get(LIST))
    for parameters in ({"outcome": "failure"}, {"q": "bob"}, {"before": "e" * 32}):
        assert "Events over time" not in text(busy.get(LIST, parameters))


def test_every_picture_reads_a_range_of_the_key(busy, queries):
    with queries() as captured:
        busy.get(DASHBOARD)

    for sql in captured.of_the_log:
        where = sql.split("WHERE", 1)[1]
        assert '"id" >=' in where.replace("`", '"') or '"id")' in where or "LIMIT 1" in where
    assert len(captured.of_the_log) <= 12


def test_hostile_names_are_inert(reader):
    row("auth.login.failure", at=ago(minutes=1), username="<script>x</script>")
    row("auth.login.failure", at=ago(minutes=1), metadata={"reason": "<script>y</script>"})

    page = shown(reader.get(DASHBOARD))

    assert "<script>x" not in page
    assert "<script>y" not in page


def test_nothing_of_it_is_styled_or_scripted_in_line(busy):
    """A Content-Security-Policy without unsafe-inline lets all of it through."""
    for path in (DASHBOARD, LIST):
        content = shown(busy.get(path))
        content = content[content.index('id="content"') :]
        assert "style=" not in content
        assert "onclick" not in content


def test_who_may_not_view_the_log_sees_no_pictures(client, bob):
    bob.is_staff = True
    bob.save()
    client.force_login(bob)

    assert client.get(DASHBOARD).status_code == 403

from datetime import timedelta

import pytest
from django.utils import timezone

from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, NOON, names, row, text

NOTHING = [
    "",
    "x",
    "\0",
    "\x00' OR 1=1 --",
    "None",
    "0",
    "-1",
    str(2**63),
    str(2**200),
    "1.5",
    "a" * 10_000,
    "‮",
    "😀",
]


def test_an_event_is_filtered_by(reader):
    row("auth.logout", username="bob")
    row("auth.login.failure", username="eve")

    response = reader.get(LIST, {"event": "auth.login.failure"})

    assert names(response) == ["eve"]
    assert "Clear all filters" in text(response)


def test_events_are_grouped_by_family_and_that_of_the_chosen_one_is_open(reader):
    page = reader.get(LIST, {"event": "account.renamed"}).content.decode()

    assert 'data-filter-title="event auth">' in page
    assert 'data-filter-title="event account" open>' in page
    assert 'title="account.renamed" aria-current="true">Account renamed</a>' in page


def test_an_event_that_nobody_registered_is_filtered_by_too(reader):
    row("legacy.thing", outcome="success", username="old")
    row("auth.logout", username="bob")

    response = reader.get(LIST, {"event": "legacy.thing"})

    assert names(response) == ["old"]
    assert "Not in the catalogue" in text(response)


@pytest.mark.parametrize(("outcome", "expected"), [("success", ["bob"]), ("failure", ["eve"])])
def test_an_outcome_is_filtered_by(reader, outcome, expected):
    row("auth.logout", username="bob")
    row("auth.login.failure", username="eve")

    assert names(reader.get(LIST, {"outcome": outcome})) == expected


@pytest.mark.parametrize(
    ("period", "number"), [("hour", 1), ("day", 2), ("week", 3), ("month", 4)]
)
def test_a_period_that_ends_now_is_filtered_by(reader, period, number):
    ages = (timedelta(minutes=59), timedelta(hours=23), timedelta(days=6), timedelta(days=29))
    for age in (*ages, timedelta(days=31)):
        row(username=str(age.days), at=timezone.now() - age)

    assert len(names(reader.get(LIST, {"period": period}))) == number


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"since": "2026-07-01T14:00"}, ["later", "noon"]),
        ({"since": "2026-07-01T14:00:00.001"}, ["later"]),
        ({"until": "2026-07-01T14:00"}, ["earlier"]),
        ({"since": "2026-07-01T12:00+00:00", "until": "2026-07-01T12:00:01Z"}, ["noon"]),
        ({"since": "2026-07-02T14:00"}, []),
        ({"since": "", "until": ""}, ["later", "noon", "earlier"]),
    ],
)
def test_a_range_of_the_sites_time_is_filtered_by(reader, parameters, expected):
    row(username="earlier", at=NOON - timedelta(milliseconds=1))
    row(username="noon", at=NOON)
    row(username="later", at=NOON + timedelta(days=1) - timedelta(milliseconds=1))

    assert names(reader.get(LIST, parameters)) == expected


def test_the_form_of_the_range_keeps_what_is_chosen_besides(reader):
    page = reader.get(
        LIST,
        {
            "event": "auth.logout",
            "q": "bob",
            "since": "2026-07-01T14:00",
            "at": "2026-07-01T14:00",
        },
    ).content.decode()
    form = page[page.index('class="authaudit-range"') :]
    form = form[: form.index("</form>")]

    assert '<input type="hidden" name="event" value="auth.logout">' in form
    assert '<input type="hidden" name="q" value="bob">' in form
    assert 'name="since" value="2026-07-01T14:00"' in form
    assert 'name="at"' not in form


def test_a_period_replaces_the_range(reader):
    page = reader.get(LIST, {"since": "2026-07-01T14:00", "outcome": "failure"}).content.decode()

    assert 'href="?outcome=failure&amp;period=week"' in page


def test_filters_work_together(reader, bob):
    row("auth.login.failure", username="bob", user_id=bob.pk, ip_address="203.0.113.7")
    row("auth.login.failure", username="eve", ip_address="203.0.113.7")
    row("auth.login.success", username="bob", user_id=bob.pk, ip_address="203.0.113.7")

    response = reader.get(
        LIST,
        {
            "event": "auth.login.failure",
            "outcome": "failure",
            "user_id": bob.pk,
            "ip_address": "203.0.113.7",
            "since": "2026-01-01T00:00",
            "q": "bob",
        },
    )

    assert names(response) == ["bob"]


def test_all_of_a_user_and_all_by_an_actor(reader, alice, bob):
    row(username="bob", user_id=bob.pk, actor_id=alice.pk, actor_username="alice")
    row(username="alice", user_id=alice.pk, actor_id=alice.pk, actor_username="alice")

    of_bob = reader.get(LIST, {"user_id": bob.pk})

    assert names(of_bob) == ["bob"]
    assert "By user All bob" in text(of_bob)
    assert len(names(reader.get(LIST, {"actor_id": alice.pk}))) == 2
    assert names(reader.get(LIST, {"actor_id": bob.pk})) == []


def test_all_of_a_user_who_was_deleted(reader):
    row("account.deleted", user_id=424242, username="gone")
    row(username="bob")

    assert names(reader.get(LIST, {"user_id": 424242})) == ["gone"]


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::1", "2001:DB8:0::0001"])
def test_all_from_an_address(reader, address):
    row(username="v4", ip_address="203.0.113.7")
    row(username="v6", ip_address="2001:db8::1")

    expected = ["v4"] if "." in address else ["v6"]
    assert names(reader.get(LIST, {"ip_address": address})) == expected


@pytest.mark.parametrize("column", ["request_id", "session_ref"])
def test_all_of_a_request_and_all_of_a_session(reader, column):
    row(username="bob", **{column: "r1"}, at=NOON)
    row(username="eve", **{column: "r2"}, at=NOON)
    row(username="bob", **{column: "r1"}, at=NOON + timedelta(days=30))

    response = reader.get(LIST, {column: "r1"})

    assert names(response) == ["bob", "bob"]
    assert f"By {column.partition('_')[0]} All r1" in text(response)


def test_all_of_a_reason(reader):
    for name, why in (("bob", "inactive"), ("eve", "invalid_password"), ("dan", ["inactive"])):
        row("auth.login.failure", username=name, metadata={"reason": why})
    row(username="eve", metadata={"reason": "inactive"})

    assert sorted(names(reader.get(LIST, {"reason": "inactive"}))) == ["bob", "eve"]
    assert names(reader.get(LIST, {"reason": "inactive", "outcome": "failure"})) == ["bob"]
    assert names(reader.get(LIST, {"reason": "inactive", "q": "eve"})) == ["eve"]
    assert "By reason All account is inactive" in text(reader.get(LIST, {"reason": "inactive"}))


@pytest.mark.parametrize("value", NOTHING)
@pytest.mark.parametrize(
    "parameter",
    [
        "event",
        "outcome",
        "period",
        "since",
        "until",
        "user_id",
        "actor_id",
        "ip_address",
        "request_id",
        "session_ref",
        "reason",
    ],
)
def test_a_value_that_means_nothing_finds_nothing(reader, parameter, value):
    row(username="bob", user_id=1_000_000, ip_address="203.0.113.7", request_id="r")

    expected = ["bob"] if value == "" and parameter in ("period", "since", "until") else []
    assert names(reader.get(LIST, {parameter: value})) == expected


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00", "9999-12-31T23:59:59Z", "2026-02-30T00:00", "0001-01-01T00:00Z"]
)
def test_a_moment_out_of_range_is_no_error(reader, moment):
    row()

    for parameter in ("since", "until"):
        assert reader.get(LIST, {parameter: moment}).status_code == 200


@pytest.mark.parametrize(
    "lookup",
    [
        "path__icontains",
        "user_agent__regex",
        "metadata__reason",
        "username",
        "user__password__startswith",
        "user__id__exact",
        "id__in",
        "pk",
        "event__startswith",
        "ip_address__isnull",
    ],
)
def test_no_other_lookup_is_allowed(reader, lookup):
    assert reader.get(LIST, {lookup: "1"}).status_code == 400


def test_a_parameter_that_is_no_column_is_ignored(reader):
    row(username="bob")

    assert names(reader.get(LIST, {"utm_source": "x"}, follow=True)) == ["bob"]


def test_no_filter_is_left_by_accident(reader):
    row()
    for name in ("By user", "By actor", "By address", "By request", "By session"):
        assert name not in text(reader.get(LIST))
    assert AuditLog.objects.count() == 1

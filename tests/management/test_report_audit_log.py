"""`report_audit_log` says what is listened to, what was recorded, and what a standard thinks."""

import html
import json
import re
from html.parser import HTMLParser
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_authaudit import record, sources
from django_authaudit.models import AuditLog
from django_authaudit.reports import renderers
from tests.management.rows import days_ago, row_at

pytestmark = pytest.mark.django_db(transaction=True)


def report(*arguments):
    out = StringIO()
    call_command("report_audit_log", *arguments, stdout=out)
    return out.getvalue()


def refused(*arguments):
    out = StringIO()
    with pytest.raises(CommandError) as refusal:
        call_command("report_audit_log", *arguments, stdout=out)
    return refusal.value, out.getvalue()


def test_the_specifications_sentence_stands_below_the_events(client):
    client.get("/forbidden/")
    (sentence,) = [line for line in report().splitlines() if "auth event types found" in line]
    assert sentence.startswith("26 auth event types found, all 26 are logged")


def test_sources_and_events_are_listed_with_what_was_seen(client):
    client.get("/forbidden/")
    words = [line.split() for line in report().splitlines()]
    assert ["login", "connected"] in words
    assert ["axes", "axes", "is", "not", "in", "INSTALLED_APPS"] in words
    (forbidden,) = [line for line in words if line[:1] == ["authz.forbidden"]]
    assert forbidden[1] == "1"
    assert ["auth.logout", "0", "never"] in words


def test_a_site_without_weaknesses_lists_none(settings):
    settings.SILENCED_SYSTEM_CHECKS = re.findall(r"django_authaudit\.\w+(?= )", report())
    assert "Settings that weaken it" not in report()


def test_activity_is_that_of_the_period(client):
    client.get("/forbidden/")
    assert "1 entries from" in report()
    assert "0 entries from" in report("--until", "2026-01-01")
    assert "1 entries from" in report("--since", "2026-01-01T00:00:00+01:00")


def test_json_has_the_same_for_machines(client):
    client.get("/forbidden/")
    found = json.loads(report("--format", "json"))
    assert found["coverage"]["sources"]["login"] == ""
    assert found["coverage"]["sentence"].startswith("26 auth event types found")
    seen = {event["code"]: event["seen"] for event in found["coverage"]["events"]}
    assert seen["authz.forbidden"] == 1
    assert found["health"]["entries_lost"] == 0
    assert found["activity"]["failing_addresses"] == [{"name": "127.0.0.1", "count": 1}]


def test_sinks_and_weak_settings_are_listed(settings):
    settings.AUTHAUDIT_SINKS = {
        "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
        "siem": {"BACKEND": "tests.reports.test_profiles.Elsewhere"},
    }
    settings.AUTHAUDIT_RETENTION_DAYS = 30
    record("auth.logout", username="bob")
    words = [line.split() for line in report().splitlines()]
    (sink,) = [line for line in words if line[:1] == ["siem"]]
    assert sink[1:3] == ["0", "1"]
    assert [line for line in words if line and line[0].startswith("django_authaudit.W")]


HOSTILE = "<script>alert(1)</script>|`*_[x](y)"


class Page(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in ("href", "src")]

    def handle_data(self, data):
        self.words.append(data)


def test_html_is_one_file_in_which_what_was_typed_is_text():
    record("auth.login.failure", username=HOSTILE)
    page = Page(report("--format", "html"))
    assert "script" not in page.tags
    assert page.links == []
    assert HOSTILE in page.words


def test_html_needs_no_templates_of_the_project(settings):
    settings.TEMPLATES = []
    out = StringIO()
    call_command("report_audit_log", "--format", "html", skip_checks=True, stdout=out)
    assert "auth event types found" in out.getvalue()


@pytest.mark.parametrize("form", renderers.names())
def test_what_an_edited_row_holds_does_not_act_on_a_terminal(form):
    edited = row_at(days_ago(1))
    edited.outcome, edited.username = "failure", "\x1b[2Jada\x9b\u202e"
    AuditLog.objects.bulk_create([edited])
    shown = report("--format", form)
    assert "ada" in shown
    assert not re.search("[\x1b\x9b\u202e]", shown)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
@pytest.mark.parametrize(
    ("column", "value"), [("created_at", "'never'"), ("id", "'x'"), ("event", "X'ff'")]
)
def test_a_row_that_cannot_be_read_is_told_with_status_two(column, value):
    record("auth.login.failure", username="ada")
    write_over(column, value)
    error, shown = refused()
    assert (error.returncode, shown) == (2, "")
    assert "verify_audit_log" in str(error)


def test_a_pruning_whose_facts_were_edited_is_told_with_status_two():
    record("audit.pruned", metadata={"count": 0})
    write_over("metadata", "'[1]'")
    error, shown = refused()
    assert (error.returncode, shown) == (2, "")


def test_what_fails_in_the_project_is_not_taken_for_an_edited_row(settings):
    settings.MIDDLEWARE = [5]
    with pytest.raises(AttributeError):
        report()


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
def test_a_name_of_another_type_is_shown_as_it_is():
    record("auth.login.failure", username="ada")
    write_over("username", "X'616461'")
    assert "b'ada'" in report()


def write_over(column, value):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {AuditLog._meta.db_table} SET {column} = {value}")


def test_markdown_keeps_what_was_typed_within_its_cell():
    record("auth.login.failure", username=HOSTILE)
    (line,) = [line for line in report("--format", "markdown").splitlines() if "alert" in line]
    assert len(re.findall(r"(?<!\\)\|", line)) == 3
    assert "<script" not in line.replace("\\<", "")


@pytest.mark.parametrize("form", renderers.names())
def test_every_format_holds_the_verdicts(form):
    _, text = refused("--profile", "asvs5", "--format", form)
    text = html.unescape(text)
    assert "16.4.3" in text
    assert "AUTHAUDIT" in text.replace("\\", "")
    assert "FAIL" in text


def test_a_clause_that_fails_ends_with_status_1_and_is_named():
    error, out = refused("--profile", "pci4")
    assert error.returncode == 1
    assert "10.3.2" in str(error)
    assert "10.2.1.4" not in str(error)
    assert re.search(r"10\.2\.1\.4 +PASS", out)


def test_a_standard_that_holds_ends_with_status_0(monkeypatch):
    from django_authaudit.reports import profiles

    soc2 = profiles.get("soc2")
    passing = tuple(clause for clause in soc2.clauses if clause.id == "CC7.3")
    monkeypatch.setattr(
        "django_authaudit.reports.profiles.soc2.PROFILE", profiles.Profile(soc2.title, passing)
    )
    assert "No required clause fails." in report("--profile", "soc2")


def test_a_standard_that_holds_excuses_no_event_that_is_never_recorded(settings, monkeypatch):
    from django_authaudit.reports import profiles

    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    monkeypatch.setattr(
        "django_authaudit.reports.profiles.soc2.PROFILE", profiles.Profile("nothing", ())
    )
    error, _ = refused("--profile", "soc2")
    assert (error.returncode, str(error)) == (1, "Some events of this project are never recorded.")


@pytest.mark.parametrize("form", renderers.names())
def test_the_inventory_names_events_places_periods_and_readers(form, django_user_model, spool_dir):
    django_user_model.objects.create_superuser("root")
    text = html.unescape(report("--inventory", "--format", form)).replace("\\", "")
    for word in ("authz.role.granted", "roles", "django_authaudit_auditlog", "root", "90"):
        assert word in text
    assert str(spool_dir) in text


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01", ""])
def test_what_is_no_time_is_refused(value):
    with pytest.raises(CommandError, match="no date or time"):
        report(f"--since={value}")


def test_without_the_middleware_some_events_are_missing_and_the_status_is_1(settings):
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    assert refused()[0].returncode == 1


def test_a_source_that_was_not_chosen_is_missing_what_it_alone_records(monkeypatch):
    monkeypatch.setattr(sources, "_connected", {*sources._connected} - {"login"})
    _, out = refused()
    assert "AUTHAUDIT_SOURCES does not name it" in out
    assert "3 are not: auth.login.failure, auth.login.success, auth.logout." in out


def test_without_the_table_it_ends_with_status_2():
    from django_authaudit.models import AuditLog

    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditLog, "django_authaudit_auditlog", "away")
    try:
        error, _ = refused()
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(AuditLog, "away", "django_authaudit_auditlog")
    assert error.returncode == 2

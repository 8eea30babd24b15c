"""`report_audit_log` says what is listened to, what can be recorded, and what was."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_authaudit import sources

pytestmark = pytest.mark.django_db(transaction=True)


def report(*arguments):
    out = StringIO()
    call_command("report_audit_log", *arguments, stdout=out)
    return out.getvalue()


def test_the_specifications_sentence_is_the_last_line(client):
    client.get("/forbidden/")
    last = report().splitlines()[-1]
    assert last.startswith("26 auth event types found, all 26 are logged")


def test_sources_and_events_are_listed_with_what_was_seen(client):
    client.get("/forbidden/")
    words = [line.split() for line in report().splitlines()]
    assert ["login", "connected"] in words
    assert ["axes", "axes", "is", "not", "in", "INSTALLED_APPS"] in words
    (forbidden,) = [line for line in words if line[:1] == ["authz.forbidden"]]
    assert forbidden[1] == "1"
    assert ["auth.logout", "0", "never"] in words


def test_json_has_the_same_for_machines(client):
    client.get("/forbidden/")
    found = json.loads(report("--json"))
    assert found["sources"]["login"] == ""
    assert found["coverage"]["sentence"].startswith("26 auth event types found")
    seen = {event["code"]: event["seen"] for event in found["coverage"]["events"]}
    assert seen["authz.forbidden"] == 1
    assert found["health"]["entries_lost"] == 0


def test_without_the_middleware_some_events_are_missing_and_the_status_is_1(settings):
    settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
    with pytest.raises(CommandError) as refusal:
        report()
    assert refusal.value.returncode == 1


def test_a_source_that_was_not_chosen_is_missing_what_it_alone_records(monkeypatch):
    monkeypatch.setattr(sources, "_connected", {*sources._connected} - {"login"})
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("report_audit_log", stdout=out)
    assert "AUTHAUDIT_SOURCES does not name it" in out.getvalue()
    assert "3 are not: auth.login.failure, auth.login.success, auth.logout." in out.getvalue()


def test_without_the_table_it_ends_with_status_2():
    from django_authaudit.models import AuditLog

    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditLog, "django_authaudit_auditlog", "away")
    try:
        with pytest.raises(CommandError) as refusal:
            report()
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(AuditLog, "away", "django_authaudit_auditlog")
    assert refusal.value.returncode == 2

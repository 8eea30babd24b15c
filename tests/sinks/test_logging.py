"""Python's logging gets every entry, and any format formats it."""

import json
import logging
import logging.config
import subprocess
import sys

import pytest

from django_authaudit import record, signals
from django_authaudit.models import AuditLog
from django_authaudit.sinks.logging import LOGGER, EntryFormatter, LoggingSink
from tests.management.conftest import ROOT, environment
from tests.sinks.receivers import DATABASE, entries

BACKEND = {"BACKEND": "django_authaudit.sinks.logging.LoggingSink"}


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


@pytest.mark.django_db
def test_a_request_is_logged_beside_its_row(settings, client, logged):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "logging": BACKEND}

    client.get("/forbidden/")

    (record,) = [record for record in logged.records if record.name == LOGGER]
    assert record.entry.id == AuditLog.objects.get().id
    assert json.loads(record.getMessage())["event"] == "authz.forbidden"
    assert record.levelno == logging.WARNING


@pytest.mark.parametrize(
    ("event", "level"),
    [
        ("auth.logout", "INFO"),
        ("auth.login.failure", "INFO"),
        ("authz.forbidden", "WARNING"),
        ("authz.role.granted", "ERROR"),
        ("nobody.registered", "INFO"),
    ],
)
def test_the_severity_of_the_event_is_the_level_of_the_record(logged, event, level):
    (entry,) = entries("ada")
    object.__setattr__(entry, "event", event)

    LoggingSink().emit([entry])

    assert [record.levelname for record in logged.records] == [level]


def test_a_level_that_nobody_wants_is_not_formatted(caplog):
    caplog.set_level(logging.ERROR, LOGGER)

    LoggingSink().emit(entries("ada"))

    assert caplog.records == []


def test_a_line_break_in_a_name_makes_no_second_line(logged):
    LoggingSink(format="owasp").emit(entries("ada\n100% %s"))

    assert "\n" not in logged.records[0].getMessage()


def test_each_handler_may_have_a_format_of_its_own():
    formatter = EntryFormatter("ocsf", version="1.5.0")
    (entry,) = entries("ada")
    ours = logging.makeLogRecord({"msg": "x", "entry": entry})
    other = logging.makeLogRecord({"msg": "of %s", "args": ("another",)})

    assert json.loads(formatter.format(ours))["metadata"]["version"] == "1.5.0"
    assert formatter.format(other) == "of another"


def test_what_only_the_log_has_counts_as_stored_by_nobody(settings, logged, db):
    settings.AUTHAUDIT_SINKS = {"logging": BACKEND}
    heard = []

    def receiver(entry, **kwargs):
        heard.append(entry)

    signals.entry_recorded.connect(receiver)
    try:
        record("auth.logout")
    finally:
        signals.entry_recorded.disconnect(receiver)

    assert (len(logged.records), heard) == (1, [])


SCRIPT = """
import django
from django.conf import settings
django.setup()
from tests.sinks.receivers import entries
from django_authaudit.sinks.logging import LoggingSink
LoggingSink().emit(entries("ada"))
"""


def test_three_lines_of_settings_put_json_on_the_standard_output(tmp_path):
    page = (ROOT / "docs/sinks.md").read_text("utf-8")
    (block,) = [b for b in page.split("```python\n") if "ext://sys.stdout" in b]
    code = block.partition("```")[0]
    (tmp_path / "stdout_settings.py").write_text(f"from tests.settings import *\n{code}")

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env=environment(DJANGO_SETTINGS_MODULE="stdout_settings", PYTHONPATH=f"{tmp_path}:{ROOT}"),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    (line,) = done.stdout.splitlines()
    assert json.loads(line)["username"] == "ada"

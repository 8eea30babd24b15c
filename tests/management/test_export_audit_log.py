"""`export_audit_log` as people and cron run it: what it writes, its exit status, its endings."""

import csv
import gzip
import io
import json
import os
import pty
import signal
import stat
from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from django_authaudit.formats import discover
from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet
from tests.exports.bundles import pem
from tests.integrity.log import TABLE, sql
from tests.management.rows import days_ago, row_at, store

ERASE_LINE = "\r\x1b[K"
EARLY = datetime(2026, 1, 1, tzinfo=timezone.utc)


def export(**options):
    """Run the command in this process, and return what it printed; True is a bare option."""
    out = io.StringIO()
    arguments = [
        f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items()
    ]
    call_command("export_audit_log", *arguments, stdout=out)
    return out.getvalue()


def exported(**options):
    """Return the entries of an export."""
    return [json.loads(line) for line in export(**options).splitlines()]


def names(**options):
    return [entry["username"] for entry in exported(**options)]


def keep(moment=EARLY, number=0, **values):
    """Store an entry of `moment` with `values`."""
    row = row_at(moment, number)
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def last_record():
    return AuditLog.objects.filter(event="audit.exported").latest("pk")


# --- what it writes


@pytest.mark.django_db
def test_entries_are_written_oldest_first_with_all_their_columns():
    store(3, days_ago(2))
    keep(days_ago(9), username="first", ip_address="203.0.113.9", metadata={"a": [1, None]})

    first, *others = exported()

    assert first["username"] == "first"
    assert first["ip_address"] == "203.0.113.9"
    assert first["metadata"] == {"a": [1, None]}
    assert [entry["id"] for entry in others] == sorted(entry["id"] for entry in others)
    assert len(others) == 3


@pytest.mark.django_db
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
def test_no_entry_is_left_out_or_doubled_between_two_batches(size):
    keys = [str(row.pk) for row in store(4, days_ago(2))]

    found = AuditLog.objects.all().entries(batch_size=size)

    assert [str(entry.id) for entry in found] == keys


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*discover()])
def test_every_format_can_be_chosen(name):
    store(3, days_ago(2))

    lines = export(format=name).splitlines()

    assert len(lines) == 3 + (name == "csv")


@pytest.mark.django_db
def test_a_spreadsheet_has_the_names_of_its_columns_and_computes_nothing():
    keep(username="=1+1", metadata={"reason": "a,b"})

    [row] = csv.DictReader(io.StringIO(export(format="csv")))

    assert row["username"] == "'=1+1"
    assert row["created_at"] == "2026-01-01T00:00:00.000+00:00"
    assert json.loads(row["metadata"]) == {"reason": "a,b"}


@pytest.mark.django_db
def test_an_empty_log_is_an_empty_export():
    assert export() == ""


@pytest.mark.django_db(databases=["default", "audit"])
def test_the_database_can_be_chosen():
    keep(username="here")
    store(2, days_ago(2), using="audit")

    assert len(exported(database="audit")) == 2


# --- what is selected


@pytest.mark.django_db
def test_a_range_of_time_begins_with_its_start_and_ends_before_its_end():
    for number, name in enumerate(["before", "start", "within", "end"]):
        keep(EARLY + timedelta(days=number), username=name)

    assert names(since="2026-01-02T00:00Z", until="2026-01-04T00:00Z") == ["start", "within"]
    assert names(since="2026-01-03T01:00+01:00", event="auth.logout") == ["within", "end"]


@pytest.mark.django_db
def test_a_time_without_offset_is_the_site_s(settings):
    keep(EARLY, username="at midnight in London")
    keep(EARLY - timedelta(hours=1), username="at midnight in Berlin")

    assert names(since="2026-01-01", until="2026-01-01T00:30") == ["at midnight in Berlin"]


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["soon", "2026-02-30", "2026-01-01T99:00"])
def test_what_is_no_time_is_refused(text):
    with pytest.raises(CommandError, match="is no date or time"):
        export(since=text)


@pytest.mark.django_db
def test_an_event_is_chosen_by_its_code_or_by_how_it_begins():
    for number, code in enumerate(["auth.login.success", "auth.login.failure", "auth.logout"]):
        keep(EARLY, number, event=code, username=code)
    keep(EARLY, 5, event="shop.sold", username="shop.sold")

    assert names(event="auth.logout") == ["auth.logout"]
    assert names(event="auth.login") == ["auth.login.success", "auth.login.failure"]
    assert names(event="auth.") == ["auth.login.success", "auth.login.failure", "auth.logout"]
    assert names(event="shop") == ["shop.sold"]


@pytest.mark.django_db
def test_an_event_that_nobody_knows_is_refused():
    with pytest.raises(CommandError, match=r"No event is called 'auth\.logn'") as error:
        export(event="auth.logn")

    assert error.value.returncode == 2


@pytest.mark.django_db
def test_an_outcome_can_be_chosen():
    keep(EARLY, 1, username="done")
    keep(EARLY, 2, username="refused", outcome="failure")

    assert names(outcome="failure") == ["refused"]


@pytest.mark.django_db
def test_a_reason_a_request_or_a_session_can_be_chosen():
    keep(EARLY, 1, username="reason", metadata={"reason": "inactive"})
    keep(EARLY, 2, username="request", request_id="request-1", session_ref="session-1")
    keep(EARLY, 3, username="session", metadata={"reason": "x"}, session_ref="session-1")

    assert names(reason="inactive") == ["reason"]
    assert names(request="request-1") == ["request"]
    assert names(session="session-1") == ["request", "session"]
    assert last_record().metadata["filters"] == {"session": "session-1"}
    assert names(session="session-1", reason="x") == ["session"]


@pytest.mark.django_db
def test_what_one_person_did_can_be_chosen():
    ann = get_user_model().objects.create_user("ann")
    keep(EARLY, 1, username="by her", actor_id=ann.pk, actor_username="ann")
    keep(EARLY, 2, username="by the name alone", actor_username="ann")
    keep(EARLY, 3, username="by another of the name", actor_id=ann.pk + 1, actor_username="ann")
    keep(EARLY, 4, username="ann", user_id=ann.pk)

    assert names(actor="ann") == ["by her", "by the name alone"]
    assert last_record().metadata["filters"] == {"actor": "ann"}
    with pytest.raises(CommandError, match="Neither an account nor an entry") as error:
        export(actor="bob")
    assert error.value.returncode == 2


@pytest.mark.django_db
def test_an_address_or_a_network_can_be_chosen():
    for number, address in enumerate(["203.0.113.9", "203.0.114.9", "2001:db8::1", None]):
        keep(EARLY, number, username=address or "", ip_address=address)

    assert names(ip="203.0.113.9") == ["203.0.113.9"]
    assert names(ip="203.0.113.77/23") == ["203.0.113.9"]
    assert names(ip="203.0.112.0/22") == ["203.0.113.9", "203.0.114.9"]
    assert names(ip="2001:DB8:0::1") == ["2001:db8::1"]
    assert names(ip="2001:db8::/32") == ["2001:db8::1"]


@pytest.mark.django_db
def test_what_is_no_address_is_refused():
    with pytest.raises(CommandError, match=r"'example\.com' is no address and no network"):
        export(ip="example.com")


# --- everything about one person


@pytest.fixture
def bob(db):
    bob = get_user_model().objects.create_user("bob", "Bob@example.com", "right")
    AuditLog.objects.all()._raw_delete("default")
    return bob


def keep_what_is_said_of(bob):
    values = [
        {"user": bob, "path": "/as-user"},
        {"user_id": 99, "username": "ann", "actor": bob, "path": "/as-actor"},
        {"username": "bob", "path": "/before-the-account-was-known"},
        {"username": "Bob@example.com", "path": "/by-address"},
        {"email": "bob@example.com", "path": "/reset"},
        {"actor_username": "bob", "path": "/as-nameless-actor"},
        {"user_id": 99, "username": "bob", "path": "/another-bob"},
        {"user_id": 99, "username": "ann", "path": "/ann"},
        {"username": "bobby", "path": "/bobby"},
    ]
    for number, value in enumerate(values):
        keep(EARLY, number, **value)


ABOUT_BOB = [
    *("/as-user", "/as-actor", "/before-the-account-was-known", "/by-address", "/reset"),
    "/as-nameless-actor",
]


@pytest.mark.parametrize("called", ["bob", "bob@EXAMPLE.com", "key"])
def test_a_person_is_exported_as_user_as_actor_and_by_name_and_nobody_else(bob, called):
    keep_what_is_said_of(bob)

    found = exported(user=str(bob.pk) if called == "key" else called)

    assert [entry["path"] for entry in found] == ABOUT_BOB


def test_a_person_whose_account_was_deleted_is_known_by_the_log(bob):
    keep_what_is_said_of(bob)
    key = bob.pk
    bob.delete()

    by_key = exported(user=str(key), until="2026-02-01")
    AuditLog.objects.filter(user_id=99)._raw_delete("default")
    by_name = exported(user="bob", until="2026-02-01")

    assert [entry["path"] for entry in by_key] == ABOUT_BOB
    assert by_name == [entry for entry in by_key if entry["user_id"] != 99]
    assert last_record().username == "bob"


@pytest.mark.django_db
def test_one_who_never_had_an_account_is_found_by_name():
    keep(username="mallory", outcome="failure")

    assert names(user="mallory", event="auth.logout") == ["mallory"]


@pytest.mark.django_db
def test_one_whom_nobody_knows_is_a_mistake():
    with pytest.raises(CommandError, match="Neither an account nor an entry is known") as error:
        export(user="nobody")

    assert error.value.returncode == 2


def test_an_address_that_two_accounts_have_names_nobody(bob):
    get_user_model().objects.create_user("bob2", "bob@example.com")

    with pytest.raises(CommandError, match=r"Several accounts have .*bob@example\.com") as error:
        export(user="bob@example.com")

    assert error.value.returncode == 2


def test_the_export_of_a_person_is_itself_an_entry_about_the_person(bob):
    export(user="bob")

    assert last_record().user_id == bob.pk


# --- that it is recorded


@pytest.mark.django_db
def test_an_export_leaves_an_entry_that_says_what_left():
    store(3, days_ago(2))

    export(format="csv", event="auth", since="2020-01-01T00:00Z", outcome="success", ip="10.0.0.1")

    row = last_record()
    assert row.outcome == "success"
    assert row.metadata == {
        "command": "export_audit_log",
        "count": 0,
        "filters": {
            "event": "auth",
            "ip": "10.0.0.1",
            "outcome": "success",
            "since": "2020-01-01T00:00:00+00:00",
        },
        "format": "csv",
    }


@pytest.mark.django_db
def test_an_export_that_fails_on_its_way_leaves_an_entry_too(monkeypatch):
    store(3, days_ago(2))

    def fail(self, batch_size=2000):
        yield from self[:2]
        raise DatabaseError("the database\nis away")

    monkeypatch.setattr(AuditLogQuerySet, "entries", fail)
    with pytest.raises(CommandError, match="the database is away") as error:
        export(format="csv")

    assert error.value.returncode == 2
    assert last_record().metadata["interrupted"] is True


# --- where it goes


@pytest.mark.django_db
def test_a_file_is_for_its_owner_alone_and_the_number_is_printed(tmp_path):
    store(3, days_ago(2))
    path = tmp_path / "log.jsonl"

    assert export(output=path) == "Entries exported: 3.\n"

    assert len(path.read_text().splitlines()) == 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.django_db
def test_it_is_silent_when_asked_to_be(tmp_path):
    assert export(output=tmp_path / "log.jsonl", verbosity=0) == ""


@pytest.mark.django_db
def test_a_file_that_is_there_is_left_alone(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("precious")

    with pytest.raises(CommandError, match="is there already") as error:
        export(output=path)

    assert error.value.returncode == 2
    assert path.read_text() == "precious"


@pytest.mark.django_db
def test_a_file_that_could_not_be_finished_is_not_there(tmp_path, monkeypatch):
    store(3, days_ago(2))
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError("full")))

    with pytest.raises(CommandError, match="full"):
        export(output=tmp_path / "log.jsonl")

    assert [*tmp_path.iterdir()] == []


@pytest.mark.django_db
def test_the_same_entries_are_the_same_bytes(tmp_path):
    store(300, days_ago(2))
    first, second = tmp_path / "1.gz", tmp_path / "2.gz"

    export(output=first, gzip=True, event="auth.logout")
    export(output=second, gzip=True, event="auth.logout")

    assert first.read_bytes() == second.read_bytes()
    assert len(gzip.decompress(first.read_bytes()).splitlines()) == 300


def test_a_pipe_can_be_compressed(project):
    store(3, days_ago(2))

    process = project.start("export_audit_log", "--gzip", text=False)
    out, _ = process.communicate()

    assert process.returncode == 0
    assert len(gzip.decompress(out).splitlines()) == 3


def test_a_pipe_that_nobody_reads_to_the_end_is_left_in_silence(project):
    store(3_000, days_ago(2))

    process = project.start("export_audit_log", text=False)
    assert process.stdout.readline().startswith(b'{"id"')
    process.stdout.close()
    complaint = process.stderr.read()

    assert (process.wait(), complaint) == (0, b"")
    assert last_record().metadata["interrupted"] is True


def test_a_terminal_is_shown_the_progress_and_a_file_none_of_it(project, tmp_path):
    store(12_000, days_ago(2))
    terminal, end = pty.openpty()

    process = project.start("export_audit_log", f"--output={tmp_path / 'log'}", stderr=end)
    os.close(end)
    printed = read_all(terminal)
    out = process.stdout.read()

    assert printed.split(ERASE_LINE)[1:] == [
        "Entries exported: 5000",
        "Entries exported: 10000",
        "",
    ]
    assert out == "Entries exported: 12000.\n"


def test_a_terminal_that_shows_the_entries_shows_nothing_else(project):
    store(6_000, days_ago(2))
    terminal, end = pty.openpty()

    project.start("export_audit_log", stdout=end, stderr=end)
    os.close(end)

    assert ERASE_LINE not in read_all(terminal)


def read_all(terminal):
    printed = b""
    try:
        while data := os.read(terminal, 65_536):
            printed += data
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return printed.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_asked_to_and_leaves_no_file(project, tmp_path, number):
    store(30_000, days_ago(2))

    process = project.start("export_audit_log", f"--output={tmp_path / 'out' / 'log'}")
    (tmp_path / "out").mkdir()
    project.wait_until(lambda: any(p.stat().st_size for p in (tmp_path / "out").iterdir()))
    process.send_signal(number)
    _, complaint = process.communicate()

    assert process.returncode == 2
    assert complaint.startswith("CommandError: Stopped. Entries exported: ")
    assert [*(tmp_path / "out").iterdir()] == []
    assert last_record().metadata["interrupted"] is True


# --- what goes wrong


@pytest.mark.parametrize(
    ("argument", "complaint"),
    [
        ("--since=soon", "is no date or time, such as 2026-01-31"),
        ("--format=xml", "invalid choice: 'xml'"),
        ("--output=/nowhere/log", "No such file or directory"),
        ("--database=other", "invalid choice: 'other'"),
        ("--ip=nowhere", "is no address"),
    ],
)
def test_a_mistake_is_a_sentence_and_status_2(project, argument, complaint):
    status, out, error = project.run("export_audit_log", argument)

    assert (status, out) == (2, "")
    assert complaint in error
    assert "Traceback" not in error


def test_a_log_that_is_not_there_is_a_sentence_and_status_2(project, tmp_path):
    if connection.vendor != "sqlite":
        pytest.skip("the other databases are shared")
    status, _, error = project.run("export_audit_log", DATABASE_NAME="empty_too")

    assert status == 2
    assert "no such table" in error
    assert "Traceback" not in error


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the others check what they store")
@pytest.mark.parametrize("command", ["export", "evidence", "prune"])
@pytest.mark.parametrize(
    ("column", "value"), [("writer", "x"), ("sequence", "two"), ("username", b"\xff")]
)
def test_a_row_that_cannot_be_read_ends_in_status_two(
    db, settings, tmp_path, command, column, value
):
    settings.AUTHAUDIT_SEAL_KEY = pem()
    keep(days_ago(100), email="ann@x.example")
    call_command("seal_audit_log", verbosity=0)
    sql(f"UPDATE {TABLE} SET {column} = %s WHERE email <> ''", value)
    arguments = {
        "export": ["export_audit_log"],
        "evidence": ["export_audit_log", "--evidence", "--ip=::/0", f"--output={tmp_path / 'o'}"],
        "prune": ["prune_audit_log", f"--archive={tmp_path / 'archive'}"],
    }

    with pytest.raises(CommandError, match="cannot be read: verify_audit_log names") as caught:
        call_command(*arguments[command], stdout=io.StringIO())
    assert caught.value.returncode == 2

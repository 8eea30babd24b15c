"""Whatever may happen to an honest log is no finding."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from django_authaudit import delivery, entry, record, spool
from django_authaudit.integrity import erasures, prunes, writers
from django_authaudit.sinks.database import DatabaseSink
from django_authaudit.verification import Verification, log
from tests.integrity.log import TABLE, add, change, delete, make, place, raw, seal, sql
from tests.management.conftest import ROOT

pytestmark = pytest.mark.django_db

ENTRIES = os.environ.get("AUTHAUDIT_TEST_ENTRIES", "25")
"""How many each of eight processes writes."""
WRITER = """
import django, sys
django.setup()
from django_authaudit import record
for number in range(int(sys.argv[1])):
    record("auth.login.failure", username=f"user{number}", metadata={"number": number})
"""


def test_an_entry_that_waits_in_the_spool_is_pending(verify, spool_dir):
    writer = writers.Writer()
    one, two, three = writer.number([make() for _ in range(3)])
    DatabaseSink().emit([one, three])
    spool.append("default", [two])

    assert verify() == []
    assert verify.summary.pending == 3

    (next(spool_dir.iterdir())).unlink()
    assert verify() == [("missing", 2, 2)]


def test_an_entry_that_was_set_aside_is_pending(verify, spool_dir):
    writer = writers.Writer()
    one, two, three = writer.number([make() for _ in range(3)])
    DatabaseSink().emit([one, three])
    spool.append("default", [two])
    path = next(spool_dir.iterdir())
    path.write_text(f"torn\n{path.read_text()}")
    path.rename(path.with_suffix(spool.SET_ASIDE))

    assert verify() == []


def test_an_entry_that_is_replayed_after_the_seal_is_late(verify):
    writer = writers.Writer()
    one, two, three = writer.number([make() for _ in range(3)])
    DatabaseSink().emit([one, three])
    seal()
    spool.append("default", [two])
    call_command("replay_audit_log", verbosity=0)

    assert verify() == []
    seal()
    assert verify() == []


def test_numbers_that_were_lost_and_said_so_are_no_finding(verify, spool_dir, monkeypatch):
    add(1)
    seal()
    monkeypatch.setattr(delivery, "_lost", [])
    spool_dir.touch()
    writer = writers.Writer()
    kept, lost, also_kept = writer.number([make() for _ in range(3)])
    DatabaseSink().emit([kept, also_kept])
    delivery._lost.append(lost)

    assert verify() == [("missing", 2, 2)]
    spool_dir.unlink()
    record("auth.logout")
    assert verify() == []
    assert verify.summary.lost == 1


def test_erasing_is_no_finding_and_excuses_nothing_else(verify, entries):
    seal()
    remains = erasures.seal_remains(entries[1], replace(entries[1], username="", ip_address=None))
    for column in ("username", "ip_address", "salt", "signature"):
        change(entries[1], column, getattr(remains, column))
    assert verify() == [("edited", 2, None)]

    erasures.record([place(remains)], using="default")
    assert verify() == []
    assert verify.summary.erased == 1
    change(entries[1], "outcome", "failure")
    assert verify() == [("edited", 2, None)]


def test_a_whole_log_may_be_pruned(verify, entries):
    seal()
    delete(*entries)
    prunes.record(map(place, entries), using="default")

    assert verify() == []
    add(2)
    seal()
    assert verify() == []


def test_pruning_before_any_seal_is_no_finding(verify, entries):
    delete(*entries[:2])
    prunes.record(map(place, entries[:2]), using="default")
    seal()

    assert verify() == []


def test_many_seals_and_many_prunes_fit_together(verify):
    writer, other = writers.Writer(), writers.Writer()
    kept = []
    for step in range(12):
        kept += add(3, writer) + add(1, other)
        if step % 3:
            seal()
        if step % 2:
            gone, kept = kept[::3], [e for i, e in enumerate(kept) if i % 3]
            delete(*gone)
            prunes.record(map(place, gone), using="default")
        assert verify() == []
    delete(kept[0])
    assert len(verify()) == 1


def test_what_is_sealed_or_pruned_or_erased_while_it_is_looked_at_is_no_finding(entries):
    seal()
    add(2)
    add(1)
    verification = Verification(using="default")
    chain = verification._chain
    assert list(chain.check()) == []
    seal()
    delete(entries[0])
    prunes.record([place(entries[0])], using="default")

    verification._chain.check = lambda: iter(())
    assert list(verification.problems()) == []


def test_an_entry_that_is_pruned_while_it_is_looked_at_is_no_finding(entries):
    seal()

    def prune(summary):
        if entries[2].id not in pruned:
            pruned.append(entries[2].id)
            delete(entries[2])
            prunes.record([place(entries[2])], using="default")

    pruned = []
    monkey = Verification(using="default", tell=prune)
    assert list(monkey.problems()) == []


def test_an_entry_that_is_pruned_between_two_looks_is_no_finding(entries, monkeypatch):
    seal()
    look = log.known_of

    def prune_first(*args, **options):
        if entries:
            gone = entries.pop()
            delete(gone)
            prunes.record([place(gone)], using="default")
        return look(*args, **options)

    monkeypatch.setattr(log, "known_of", prune_first)
    assert list(Verification(using="default").problems()) == []


def test_an_entry_that_tells_of_no_seal_is_no_finding(verify):
    record("audit.sealed")

    assert verify() == []


def test_what_another_database_has_in_the_spool_is_not_looked_at(verify, spool_dir):
    writer = writers.Writer()
    one, two, three = writer.number([make() for _ in range(3)])
    DatabaseSink().emit([one, three])
    spool.append("default", [two])
    path = next(spool_dir.iterdir())
    path.write_text(path.read_text().replace(spool.identity("default"), "0" * 16))

    assert verify() == [("missing", 2, 2)]


def test_a_clock_that_steps_back_is_no_finding(verify, monkeypatch):
    add(2)
    seal()
    now = entry.time.time_ns
    monkeypatch.setattr(entry.time, "time_ns", lambda: now() - 3600 * 10**9 * 5)
    add(2)
    seal()
    monkeypatch.undo()
    add(2)
    seal()

    assert verify() == []


def test_keys_may_be_rotated(verify, settings):
    settings.AUTHAUDIT_SIGNING_KEYS = {"one": "1" * 32}
    add(2)
    seal()
    settings.AUTHAUDIT_SIGNING_KEYS = {"two": "2" * 32, "one": "1" * 32}
    add(2)
    seal()
    # A worker that was not restarted yet.
    settings.AUTHAUDIT_SIGNING_KEYS = {"one": "1" * 32, "two": "2" * 32}
    add(2)
    settings.AUTHAUDIT_SIGNING_KEYS = {"three": "3" * 32, "two": "2" * 32, "one": "1" * 32}
    seal()

    assert verify() == []


@pytest.fixture
def same_spool(settings, tmp_path, monkeypatch):
    """Have this process look into the spool of the others."""
    del settings.AUTHAUDIT_SPOOL_DIR
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")
    if connection.vendor == "sqlite":
        sql("PRAGMA busy_timeout = 60000")


@pytest.mark.django_db(transaction=True)
def test_eight_processes_at_once_make_no_false_alarm(project, same_spool, verify):
    command = [sys.executable, "-c", WRITER, ENTRIES]
    running = [
        subprocess.Popen(command, cwd=ROOT, env=project.environment, stderr=subprocess.DEVNULL)
        for _ in range(8)
    ]
    while any(process.poll() is None for process in running):
        found = verify()
        assert found == []
        seal()
    assert [process.wait() for process in running] == [0] * 8

    project.run("replay_audit_log")
    seal()
    assert verify() == []
    assert verify.summary.entries >= 8 * int(ENTRIES)


@pytest.mark.django_db(transaction=True)
def test_a_killed_writer_makes_no_false_alarm(project, same_spool, verify):
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, "5000"],
            cwd=ROOT,
            env=project.environment,
            stderr=subprocess.DEVNULL,
        )
        before = count()
        project.wait_until(lambda before=before: count() > before + 20)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert verify() == []
    project.run("replay_audit_log")
    assert verify() == []


def count():
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {TABLE}")
        return cursor.fetchone()[0]


def test_of_what_is_older_nothing_is_asked(verify):
    writer = writers.Writer()
    old = add(3, writer)
    seal()
    change(old[0], "username", "eve")
    moment = old[-1].created_at + timedelta(milliseconds=1)
    wait_for(moment)
    newest = add(3, writer)
    add(1)
    seal()

    assert verify(since=moment) == []
    assert verify.summary.entries == 4
    delete(newest[1])
    assert verify(since=moment) == [("missing", 5, 5)]
    assert verify(since=make().created_at + timedelta(seconds=9)) == []


def test_of_what_is_newer_all_is_missed_even_the_whole(verify):
    add(2)
    seal()
    moment = make().created_at + timedelta(milliseconds=2)
    wait_for(moment)
    gone = add(2)
    seal()
    sql(f"DELETE FROM {TABLE} WHERE writer = %s", raw(gone[0].writer))

    assert verify(since=moment) == [("missing", 1, 2)]


def test_of_a_writer_that_is_gone_only_what_is_newer_is_missed(verify):
    writer = writers.Writer()
    old = add(2, writer)
    seal()
    moment = make().created_at + timedelta(milliseconds=2)
    wait_for(moment)
    new = add(1, writer)
    seal()
    delete(*old, *new)

    assert verify(since=moment) == [("missing", 3, 3)]


def wait_for(moment):
    """Wait until an entry of now is one of after `moment`."""
    while make().created_at <= moment:
        time.sleep(0.001)

"""`prune_audit_log` as cron and people run it: what it prints, its exit status, its endings."""

import io
import os
import pty
import re
import signal
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from django_authaudit import record
from django_authaudit.delivery import replay_all
from django_authaudit.entry import first_id_at
from django_authaudit.integrity.writers import Writer
from django_authaudit.models import AuditLog, AuditSeal
from django_authaudit.replay import Replayed
from django_authaudit.retention import batches
from django_authaudit.sinks.database import DatabaseSink
from tests.integrity.log import make, runs
from tests.management.rows import days_ago, store

DELETED = re.compile(r"Entries deleted: (\d+) \(before \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\.\n")
STOPPED = re.compile(r"CommandError: Stopped. Entries deleted: (\d+). Run it again to go on.\n")
ERASE_LINE = "\r\x1b[K"
MANY = 3_000


def prune(**options):
    """Run the command in this process, and return what it printed."""
    out = io.StringIO()
    call_command("prune_audit_log", stdout=out, **options)
    return out.getvalue()


def prunings():
    """Return what was recorded of prunings: (outcome, metadata)."""
    found = AuditLog.objects.filter(event="audit.pruned").order_by("pk")
    return [(row.outcome, row.metadata) for row in found]


def deleted_by():
    return [facts["count"] for _, facts in prunings()]


def left():
    return AuditLog.objects.filter(event="auth.logout").count()


# --- what it prints


@pytest.mark.django_db
def test_it_says_how_many_entries_it_deleted_and_from_before_when():
    store(3, days_ago(91))
    store(2, days_ago(89))

    printed = prune()

    [(_, facts)] = prunings()
    cutoff = datetime.fromisoformat(facts["cutoff"].replace("Z", "+00:00"))
    assert printed == f"Entries deleted: 3 (before {cutoff:%Y-%m-%d %H:%M:%S} UTC).\n"
    assert facts["command"] == "prune_audit_log"
    assert left() == 2


@pytest.mark.django_db
def test_days_can_be_given():
    store(3, days_ago(31))
    store(2, days_ago(29))

    assert DELETED.fullmatch(prune(days=30))[1] == "3"
    assert left() == 2


@pytest.mark.django_db
def test_the_setting_says_how_many_days_without_them(settings):
    settings.AUTHAUDIT_RETENTION_DAYS = 30
    store(3, days_ago(31))

    assert DELETED.fullmatch(prune())[1] == "3"


@pytest.mark.django_db
def test_a_dry_run_says_the_exact_number_and_deletes_and_records_nothing():
    cutoff = days_ago(90)
    store(1_234, cutoff - timedelta(days=1))
    store(5, cutoff + timedelta(hours=1))

    printed = prune(dry_run=True)

    assert re.fullmatch(
        r"Entries that would be deleted: 1234 \(before \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\.\n",
        printed,
    )
    assert AuditLog.objects.count() == 1_239


@pytest.mark.django_db
def test_it_is_silent_when_asked_to_be():
    store(3, days_ago(91))

    assert prune(verbosity=0) == ""
    assert left() == 0


@pytest.mark.django_db(databases=["default", "audit"])
def test_the_database_can_be_chosen():
    store(3, days_ago(91))
    store(2, days_ago(91), using="audit")

    assert DELETED.fullmatch(prune(database="audit"))[1] == "2"
    assert left() == 3


def test_a_terminal_is_shown_the_progress(project):
    store(250, days_ago(100))
    terminal, end = pty.openpty()

    process = project.start("prune_audit_log", stdout=end)
    os.close(end)
    shown = ""
    # Linux says by an error that the other end is closed.
    with suppress(OSError):
        while data := os.read(terminal, 1024):
            shown += data.decode()
    os.close(terminal)

    assert process.wait() == 0
    _, first, *_, erased = shown.split(ERASE_LINE)
    assert first == f"Entries deleted: 100, up to {days_ago(100):%Y-%m-%d}"
    assert DELETED.fullmatch(erased.replace("\r\n", "\n"))[1] == "250"


@pytest.mark.django_db
@pytest.mark.parametrize("verbosity", [0, 1])
def test_a_terminal_is_shown_each_step_unless_silence_is_wanted(verbosity):
    store(3, days_ago(100))
    terminal = io.StringIO()
    terminal.isatty = lambda: True

    call_command("prune_audit_log", batch_size=2, stdout=terminal, verbosity=verbosity)

    steps = terminal.getvalue().split(ERASE_LINE)
    assert [step.partition(",")[0] for step in steps[1:3]] == verbosity * [
        "Entries deleted: 2",
        "Entries deleted: 3",
    ]


def test_a_pipe_gets_the_final_line_alone_and_status_zero(project):
    store(250, days_ago(100))

    status, out, err = project.run("prune_audit_log")

    assert (status, DELETED.fullmatch(out)[1], err) == (0, "250", "")
    assert deleted_by() == [250]


def test_nothing_to_do_is_status_zero_and_recorded(project):
    status, out, err = project.run("prune_audit_log")

    assert (status, DELETED.fullmatch(out)[1], err) == (0, "0", "")
    assert deleted_by() == [0]


# --- what it refuses

REFUSALS = {
    "the future": (
        ["--days", "-1"],
        "CommandError: -1 days would put the cutoff in the future and delete the whole log: give "
        "the number of days to keep, such as 90.\n",
    ),
    "under the minimum": (
        ["--days=0", "--dry-run"],
        "CommandError: 0 days are fewer than AUTHAUDIT_MINIMUM_RETENTION_DAYS (1): give at least "
        "as many, or change the setting.\n",
    ),
    "older than time": (
        ["--days=99999999999"],
        "CommandError: 99999999999 days ago there was no log: give a smaller number, such as 90."
        "\n",
    ),
    "no number": (["--days=ninety"], "argument --days: 'ninety' is no whole number, such as 90\n"),
    "no whole number": (["--days=1.5"], "argument --days: '1.5' is no whole number, such as 90\n"),
    "empty batches": (
        ["--batch-size=0", "--dry-run"],
        "CommandError: A batch of 0 entries deletes nothing: give a size of at least 1.\n",
    ),
    "negative batches": (
        ["--batch-size", "-5"],
        "CommandError: A batch of -5 entries deletes nothing: give a size of at least 1.\n",
    ),
    "an unknown database": (["--database=nowhere"], "argument --database: invalid choice: "),
}


@pytest.mark.parametrize(("options", "message"), REFUSALS.values(), ids=REFUSALS)
def test_what_makes_no_sense_is_refused_with_status_two(project, options, message):
    store(3, days_ago(100))

    status, out, err = project.run("prune_audit_log", *options)

    assert (status, out) == (2, "")
    assert message in err
    assert "Traceback" not in err
    assert AuditLog.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize(
    "options", [{"days": "ninety"}, {"days": -1}, {"batch_size": 0}, {"database": "nowhere"}]
)
def test_code_is_refused_the_same(options):
    with pytest.raises(CommandError) as refusal:
        prune(**options)
    assert refusal.value.returncode == 2
    assert AuditLog.objects.count() == 0


def test_an_option_that_is_no_number_is_refused_with_an_example():
    with pytest.raises(CommandError, match="'ninety' is no whole number, such as 90"):
        call_command("prune_audit_log", "--days", "ninety")


ELSEWHERE = {
    "sqlite": ({"DATABASE_PATH": "/nonexistent"}, "unable to open database file"),
    "postgresql": ({"DATABASE_NAME": "nonexistent"}, 'database "nonexistent" does not exist'),
    "mysql": ({"DATABASE_NAME": "nonexistent"}, "Unknown database 'nonexistent'"),
}
NO_TABLE = {
    "sqlite": ({"DATABASE_NAME": "another"}, "no such table: django_authaudit_"),
    "postgresql": ({"DATABASE_NAME": "postgres"}, "does not exist"),
    "mysql": ({"DATABASE_NAME": "mysql"}, "doesn't exist"),
}


@pytest.mark.parametrize(
    ("trouble", "options"),
    [(ELSEWHERE, []), (NO_TABLE, []), (NO_TABLE, ["--dry-run"])],
    ids=["no database", "no table", "no table to count"],
)
def test_a_database_that_does_not_answer_is_status_two(project, trouble, options, tmp_path):
    environment, message = trouble[connection.vendor]

    status, out, err = project.run("prune_audit_log", *options, **environment)

    assert (status, out) == (2, "")
    assert err.startswith("CommandError: ")
    assert message in err
    assert err.endswith(
        "(Entries deleted: 0.) Run it again when the database answers and has the table of the "
        "log.\n"
    )
    assert err.count("\n") == 1
    assert not (tmp_path / "state").exists()


# --- how it ends early


@pytest.fixture
def busy(project):
    """Start a pruning that takes a while, and return it once it has begun to delete."""

    def start():
        store(MANY, days_ago(100))
        process = project.start("prune_audit_log", "--batch-size=5")
        project.wait_until(lambda: left() < MANY)
        return process

    return start


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_after_the_batch_and_says_what_was_done(project, busy, number):
    process = busy()

    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    deleted = int(STOPPED.fullmatch(err)[1])
    assert (process.returncode, out) == (2, "")
    assert 0 < deleted == MANY - left() < MANY
    [(outcome, facts)] = prunings()
    assert (outcome, facts["count"], facts["interrupted"]) == ("success", deleted, True)


def test_after_a_kill_the_next_run_goes_on_where_it_stopped(project, busy):
    process = busy()

    process.kill()
    process.communicate()
    connection.close()
    rest = left()
    status, out, err = project.run("prune_audit_log")

    assert 0 < rest < MANY
    assert (status, DELETED.fullmatch(out)[1], err) == (0, str(rest), "")
    assert left() == 0
    assert deleted_by() == [rest]


def test_two_at_once_delete_all_and_each_counts_only_its_own(project):
    store(MANY, days_ago(100))

    processes = [project.start("prune_audit_log", "--batch-size=50") for _ in range(2)]
    results = [(*process.communicate(timeout=60), process.returncode) for process in processes]

    assert [(err, status) for _, err, status in results] == [("", 0), ("", 0)]
    counts = [int(DELETED.fullmatch(out)[1]) for out, _, _ in results]
    assert sum(counts) == MANY
    assert sorted(deleted_by()) == sorted(counts)
    assert left() == 0


def test_two_at_once_and_a_sealer_name_each_entry_once(project):
    start = first_id_at(days_ago(100)).int
    writer = Writer()
    entries = writer.number(make(id=UUID(int=start + number)) for number in range(400))
    DatabaseSink().emit(entries)

    processes = [project.start("prune_audit_log", "--batch-size=20") for _ in range(2)]
    processes.append(project.start("seal_audit_log"))
    results = [(*process.communicate(timeout=60), process.returncode) for process in processes]

    assert [(err, status) for _, err, status in results] == [("", 0)] * 3
    taken = sorted(
        number
        for named, first, last in runs(AuditSeal.PRUNED)
        for number in range(first, last + 1)
        if named == writer.id
    )
    assert taken == [*range(1, 401)]
    numbers = AuditSeal.objects.order_by("number").values_list("number", flat=True)
    assert list(numbers) == [*range(1, len(numbers) + 1)]


def test_what_is_recorded_meanwhile_is_stored(project, busy):
    process = busy()

    names = {f"user{number}" for number in range(20)}
    for name in names:
        record("auth.login.failure", username=name)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    replay_all("default", Replayed())

    stored = AuditLog.objects.filter(event="auth.login.failure").values_list("username", flat=True)
    assert sorted(stored) == sorted(names)


@pytest.mark.django_db
def test_a_signal_is_heeded_in_any_process(usual_signals):
    store(250, days_ago(100))

    def interrupt(execute, sql, params, many, context):
        if "DELETE FROM" in sql:
            os.kill(os.getpid(), signal.SIGINT)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt), pytest.raises(CommandError) as stopped:
        prune()

    assert str(stopped.value) == "Stopped. Entries deleted: 100. Run it again to go on."
    assert stopped.value.returncode == 2
    assert deleted_by() == [100]
    assert left() == 150


# --- locks of others


@pytest.fixture
def locked(project):
    """Hold, on a connection of its own, a lock that deleting needs; return how to let it go."""
    held, enough = threading.Event(), threading.Event()

    def hold():
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("BEGIN IMMEDIATE")
            else:
                cursor.execute("BEGIN")
                cursor.execute("SELECT id FROM django_authaudit_auditlog FOR UPDATE")
            held.set()
            enough.wait(60)
            cursor.execute("ROLLBACK")
        connection.close()

    store(150, days_ago(100))
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(60)

    def let_go():
        enough.set()
        thread.join()

    yield let_go
    let_go()


def test_it_waits_for_the_locks_of_others(project, locked):
    timer = threading.Timer(0.6, locked)
    timer.start()

    assert DELETED.fullmatch(prune())[1] == "150"
    timer.join()


def test_it_gives_up_when_rows_stay_locked(project, locked, monkeypatch):
    monkeypatch.setattr(batches, "LONGEST_WAIT", 0.2)

    with pytest.raises(CommandError, match=r"\(Entries deleted: 0\.\) Run it again") as refusal:
        prune()

    assert refusal.value.returncode == 2
    assert isinstance(refusal.value.__cause__, DatabaseError)
    locked()
    assert left() == 150
    assert prunings() == []

"""`replay_audit_log`: each spooled entry is stored once, and what is not is named."""

import fcntl
import io
import json
import os
import signal

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from django_authaudit import delivery, record, spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.models import AuditLog
from django_authaudit.sinks.database import DatabaseSink

pytestmark = pytest.mark.django_db
TABLE = "django_authaudit_auditlog"


def entry(name, **values):
    return make_entry(id=new_id(), event="auth.logout", outcome="success", username=name, **values)


def spooled(*names):
    """Put an entry of each name into the spool, and return them."""
    entries = [entry(name) for name in names]
    spool.append("default", entries)
    return entries


def replay(**options):
    """Run the command in this process, and return what it printed."""
    out = io.StringIO()
    call_command("replay_audit_log", stdout=out, **options)
    return out.getvalue()


def stored():
    return sorted(AuditLog.objects.filter(event="auth.logout").values_list("username", flat=True))


def replays():
    """Return what was recorded of replays: (outcome, metadata)."""
    found = AuditLog.objects.filter(event="audit.spool_replayed").order_by("pk")
    return [(row.outcome, row.metadata) for row in found]


def files(folder):
    return sorted(path.suffix for path in folder.iterdir())


def test_all_files_are_replayed_and_counted(spool_dir):
    names = [f"user{number:04}" for number in range(500)]
    for start in range(0, 500, 100):
        spooled(*names[start : start + 100])
    assert len(files(spool_dir)) > 1

    assert replay() == (
        f"Entries replayed from {spool_dir}: 500 stored, 0 already there, 0 rejected.\n"
    )
    assert stored() == names
    assert files(spool_dir) == []


def test_a_replay_is_recorded_once(spool_dir):
    spooled("ada", "bob")

    replay()

    assert replays() == [("success", {"stored": 2, "present": 0, "rejected": 0})]


def test_an_entry_that_is_stored_already_stays_as_it_is_and_single(spool_dir):
    ada, _ = spooled("ada", "bob")
    DatabaseSink().emit([ada])

    assert replay() == (
        f"Entries replayed from {spool_dir}: 1 stored, 1 already there, 0 rejected.\n"
    )
    assert stored() == ["ada", "bob"]


def test_a_second_replay_finds_nothing(spool_dir):
    spooled("ada")
    replay()

    assert replay() == f"No entries wait in {spool_dir}.\n"
    assert stored() == ["ada"]
    assert len(replays()) == 1


def test_without_a_spool_there_is_nothing_to_do_and_nothing_recorded(spool_dir):
    assert replay() == f"No entries wait in {spool_dir}.\n"
    assert not spool_dir.exists()
    assert AuditLog.objects.count() == 0


def test_an_empty_file_is_nothing(spool_dir):
    spool.prepare(spool_dir)
    (spool_dir / f"{spool.identity('default')}{spool.OPEN}").touch()

    assert replay() == f"No entries wait in {spool_dir}.\n"
    assert replays() == []


def test_it_is_silent_when_asked_to_be(spool_dir):
    spooled("ada")

    assert replay(verbosity=0) == ""
    assert stored() == ["ada"]


def test_lines_that_are_no_entries_are_set_aside_and_their_place_is_said(spool_dir):
    spooled("ada")
    path = spool_dir / f"{spool.identity('default')}{spool.OPEN}"
    torn = path.read_text(encoding="ascii")[:40]
    with path.open("a") as file:
        file.write(torn + "\n")
    spooled("bob")

    assert replay() == (
        f"Entries replayed from {spool_dir}: 2 stored, 0 already there, 1 rejected.\n"
        f"What was rejected lies in {spool_dir}/*.rejected.\n"
    )
    assert stored() == ["ada", "bob"]
    [rejected] = spool_dir.iterdir()
    assert rejected.suffix == ".rejected"
    assert rejected.read_text(encoding="ascii") == torn + "\n"
    assert replays() == [("failure", {"stored": 2, "present": 0, "rejected": 1})]


def test_what_the_database_refuses_is_set_aside_and_the_others_are_stored(spool_dir):
    too_long = entry("eve", method="GET")
    object.__setattr__(too_long, "outcome", None)
    spool.append("default", [entry("ada"), too_long, entry("bob")])

    assert replay().startswith(
        f"Entries replayed from {spool_dir}: 2 stored, 0 already there, 1 rejected.\n"
    )
    assert stored() == ["ada", "bob"]
    [rejected] = spool_dir.iterdir()
    assert str(too_long.id) in rejected.read_text(encoding="ascii")


def test_the_entries_of_another_database_are_refused(spool_dir):
    spooled("ada", "bob")
    path = spool_dir / f"{spool.identity('default')}{spool.OPEN}"
    ada, bob = map(json.loads, path.read_text(encoding="ascii").splitlines())
    bob["database"] = "0123456789abcdef"
    path.write_text(f"{json.dumps(ada)}\n{json.dumps(bob)}\n", encoding="ascii")

    assert "1 stored, 0 already there, 1 rejected." in replay()
    assert stored() == ["ada"]


def test_the_files_of_another_database_are_left_alone(spool_dir):
    spooled("ada")
    path = spool_dir / f"{spool.identity('default')}{spool.OPEN}"
    another = path.rename(spool_dir / f"0123456789abcdef{spool.OPEN}")

    assert replay() == (
        f"No entries wait in {spool_dir}.\n"
        "For another database, and left alone (--adopt replays them):\n"
        f"  {another} (entries: 1)\n"
    )
    assert another.exists()


def test_a_file_that_another_process_has_is_left_to_it_with_status_two(spool_dir, monkeypatch):
    monkeypatch.setattr(delivery, "_REPLAY_PAUSE", 0)
    spooled("ada")
    path = spool_dir / f"{spool.identity('default')}{spool.OPEN}"
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CommandError) as failure:
            replay(verbosity=0)

    assert failure.value.returncode == 2
    assert str(failure.value) == (
        f"There are files in {spool_dir} that another process replays or another user owns."
    )
    assert stored() == []
    assert "1 stored" in replay()


def test_what_cannot_be_set_aside_is_kept_with_status_two(spool_dir):
    spooled("ada")
    path = spool_dir / f"{spool.identity('default')}{spool.OPEN}"
    with path.open("a") as file:
        file.write("torn\n")
    (spool_dir / f"{path.stem}-0{spool.SET_ASIDE}").mkdir()
    path = path.rename(spool_dir / f"{path.stem}-0{spool.CLAIMED}")

    with pytest.raises(CommandError, match=r"Is a directory.* The others stay in ") as failure:
        replay()
    assert failure.value.returncode == 2
    assert path.exists()


def test_a_spool_that_is_no_folder_is_status_two(spool_dir):
    spool_dir.touch()

    with pytest.raises(CommandError, match="Not a directory") as failure:
        replay()
    assert failure.value.returncode == 2


def test_ctrl_c_leaves_the_rest_in_the_spool(spool_dir, usual_signals):
    spooled("ada")

    def interrupt(execute, sql, params, many, context):
        if "INSERT" in sql:
            os.kill(os.getpid(), signal.SIGINT)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(interrupt), pytest.raises(CommandError) as failure:
        replay()

    assert failure.value.returncode == 2
    assert str(failure.value) == f"Stopped. Entries stored: 0. The others stay in {spool_dir}."
    assert "1 stored" in replay()
    assert stored() == ["ada"]


@pytest.fixture
def without_table(transactional_db):
    """Take the table away until the function that this gives is called."""

    def rename(old, new):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")

    back = [("away", TABLE)]

    def give_back():
        while back:
            rename(*back.pop())

    rename(TABLE, "away")
    yield give_back
    give_back()


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_the_files_stay_with_status_two(spool_dir, without_table):
    record("auth.logout", username="ada")

    with pytest.raises(CommandError) as failure:
        replay()
    assert failure.value.returncode == 2
    assert isinstance(failure.value.__cause__, DatabaseError)
    assert str(failure.value).endswith(
        f"(Entries stored: 0.) The others stay in {spool_dir}: run it again when the database and "
        "the spool are there."
    )
    assert "\n" not in str(failure.value)

    without_table()
    assert "1 stored, 0 already there, 0 rejected." in replay()
    assert stored() == ["ada"]


@pytest.mark.django_db(transaction=True)
def test_the_exit_status_tells_a_shell(project, tmp_path, monkeypatch, settings):
    del settings.AUTHAUDIT_SPOOL_DIR
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.settings")

    status, out, err = project.run("replay_audit_log")
    assert (status, err) == (0, "")
    assert out.startswith("No entries wait in ")

    spooled("ada")
    status, out, err = project.run("replay_audit_log")
    assert (status, err) == (0, "")
    assert out.endswith(": 1 stored, 0 already there, 0 rejected.\n")
    assert stored() == ["ada"]

    spooled("bob")
    spool.folder("default").rename(tmp_path / "elsewhere")
    spool.folder("default").touch()
    status, out, err = project.run("replay_audit_log")
    assert (status, out) == (2, "")
    assert err.startswith("CommandError: ")
    assert "Traceback" not in err

import fcntl
import json
import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from django.db import connections

from django_authaudit import spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.exceptions import SpoolError


def entry(username="bob"):
    return make_entry(
        id=new_id(), event="auth.logout", outcome="success", user_id=7, username=username
    )


def read_all():
    found = []
    while (claimed := spool.claim("default")) is not None:
        with claimed as file:
            found.append(file.entries)
            file.finish()
    return found


def test_what_is_appended_is_read_once():
    entries = [entry("bob"), entry("zoë\ud800\n\u2028")]
    assert not spool.waiting("default")
    spool.append("default", entries[:1])
    spool.append("default", entries[1:])
    assert spool.waiting("default")
    assert read_all() == [entries]
    assert not spool.waiting("default")
    assert read_all() == []


def test_the_folder_and_the_files_are_private(spool_dir):
    spool.append("default", [entry()])
    assert stat.S_IMODE(spool_dir.stat().st_mode) == 0o700
    (path,) = spool_dir.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_others_can_write_is_refused(spool_dir):
    spool_dir.mkdir()
    spool_dir.chmod(0o777)
    with pytest.raises(SpoolError, match="chmod 700"):
        spool.append("default", [entry()])


def test_a_folder_of_another_user_is_refused(spool_dir, monkeypatch):
    spool_dir.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(SpoolError, match="another user"):
        spool.append("default", [entry()])


def test_a_link_in_place_of_the_file_is_not_followed(spool_dir, tmp_path):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic"):
        spool.append("default", [entry()])


def test_the_default_folder_is_below_the_users_state_folder(settings, monkeypatch, tmp_path):
    settings.AUTHAUDIT_SPOOL_DIR = None
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert spool.folder("default").parent == tmp_path / "django_authaudit"
    assert spool.folder("default") != spool.folder("audit")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert spool.folder("default").is_relative_to(tmp_path / ".local/state/django_authaudit")


@pytest.mark.parametrize("state", ["", "relative/state"])
def test_a_user_without_a_home_has_the_spool_in_the_temporary_folder(settings, monkeypatch, state):
    """Not in a folder named ~ wherever the process was started."""
    settings.AUTHAUDIT_SPOOL_DIR = None
    monkeypatch.setenv("XDG_STATE_HOME", state)
    monkeypatch.delenv("HOME", raising=False)

    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    found = spool.folder("default")
    assert found.is_absolute()
    assert found.parent == Path(tempfile.gettempdir())
    assert found.name.startswith(f"django_authaudit-{os.geteuid()}-")
    assert found != spool.folder("audit")


def test_a_new_folder_outlasts_a_crash_of_the_machine(tmp_path, settings, monkeypatch):
    """Each folder that got a new member is synced: the member may be gone otherwise."""
    settings.AUTHAUDIT_SPOOL_DIR = tmp_path / "a" / "b" / "spool"
    synced = []

    def fsync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    sync = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    spool.append("default", [entry()])
    folders = [tmp_path, tmp_path / "a", tmp_path / "a" / "b", tmp_path / "a" / "b" / "spool"]
    assert sorted(synced) == sorted(map(str, folders))
    spool.append("default", [entry()])
    assert len(synced) == 4


def test_a_child_that_was_forked_while_its_parent_appended_keeps_nobody_waiting(monkeypatch):
    children = []

    def fork_meanwhile(descriptor):
        sync(descriptor)
        if not children:
            children.append(os.fork())
            if children == [0]:
                time.sleep(60)
                os._exit(0)

    sync = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", fork_meanwhile)
    spool.append("default", [entry()])
    patient = threading.Thread(target=spool.append, args=("default", [entry()]), daemon=True)
    patient.start()
    patient.join(20)
    waits = patient.is_alive()
    os.kill(children[0], signal.SIGKILL)
    os.waitpid(children[0], 0)
    patient.join()
    assert not waits
    assert [len(entries) for entries in read_all()] == [2]


def test_an_unfinished_line_costs_no_other(spool_dir):
    first, second = entry(), entry()
    spool.append("default", [first])
    (path,) = spool_dir.iterdir()
    with path.open("a") as file:
        file.write('{"database": "cut o')
    spool.append("default", [second])
    with spool.claim("default") as claimed:
        assert claimed.entries == [first, second]
        assert claimed.rejected == ['{"database": "cut o']


def test_another_databases_lines_are_set_aside_and_never_replayed(spool_dir):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    line = json.loads(path.read_text())
    path.write_text(json.dumps({**line, "database": "0123456789abcdef"}) + "\n")
    with spool.claim("default") as claimed:
        assert claimed.entries == []
        claimed.finish()
    (aside,) = spool_dir.iterdir()
    assert aside.suffix == ".rejected"
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert "0123456789abcdef" in aside.read_text()
    assert not spool.waiting("default")


def test_another_databases_files_are_not_touched(spool_dir):
    spool.append("audit", [entry()])
    assert not spool.waiting("default")
    assert spool.claim("default") is None
    assert spool.waiting("audit")


def test_a_claimed_file_is_nobody_elses_until_it_is_closed():
    spool.append("default", [entry()])
    with spool.claim("default") as claimed:
        assert spool.claim("default") is None
        spool.append("default", [entry()])
        with spool.claim("default") as other:
            assert len(other.entries) == 1
            assert other.path != claimed.path
    assert [len(entries) for entries in read_all()] == [1, 1]


def test_a_large_file_makes_room_for_a_new_one(spool_dir):
    for _ in range(400):
        spool.append("default", [entry("x" * 200)])
    assert len(list(spool_dir.iterdir())) > 1
    files = read_all()
    assert sum(map(len, files)) == 400
    assert max(map(len, files)) < 200


def test_threads_append_and_read_at_once_without_loss_or_double():
    expected, found = [], []

    def write():
        for _ in range(100):
            one = entry()
            expected.append(one.id)
            spool.append("default", [one])

    def read():
        while writing.is_set() or spool.waiting("default"):
            claimed = spool.claim("default")
            if claimed is not None:
                with claimed as file:
                    found.extend(entry.id for entry in file.entries)
                    file.finish()

    writing = threading.Event()
    writing.set()
    writers = [threading.Thread(target=write) for _ in range(4)]
    readers = [threading.Thread(target=read) for _ in range(2)]
    for thread in writers + readers:
        thread.start()
    for thread in writers:
        thread.join()
    writing.clear()
    for thread in readers:
        thread.join()
    assert sorted(found) == sorted(expected)


FULL_DISK = """
import os, resource, signal, sys
import django
django.setup()
from django_authaudit import spool
from django_authaudit.entry import make_entry, new_id
def entry():
    return make_entry(id=new_id(), event="auth.logout", outcome="success", username="x" * 200)
spool.append("default", [entry()])
(path,) = spool.folder("default").iterdir()
size = path.stat().st_size
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, size + 100))
try:
    spool.append("default", [entry()])
except OSError as error:
    print("refused:", type(error).__name__)
print("unchanged:", path.stat().st_size == size)
"""


def test_a_full_disk_leaves_no_half_line(tmp_path):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "XDG_STATE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK], env=environment, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["refused: OSError", "unchanged: True"], done.stderr


def test_a_disk_that_fails_leaves_no_half_line(spool_dir, monkeypatch):
    first = entry()
    spool.append("default", [first])

    def broken(descriptor):
        raise OSError("I/O error")

    monkeypatch.setattr(os, "fdatasync", broken)
    with pytest.raises(OSError, match="I/O error"):
        spool.append("default", [entry()])
    assert read_all() == [[first]]


def test_the_identity_tells_databases_apart(monkeypatch):
    assert spool.identity("default") == spool.identity("default")
    assert spool.identity("default") != spool.identity("audit")


@pytest.mark.parametrize(
    "option",
    ["service", "host", "port", "dbname", "database", "unix_socket", "read_default_file"],
)
def test_databases_that_only_an_option_tells_apart_are_told_apart(monkeypatch, option):
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {option: "staging"})
    one = spool.identity("default")
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", {option: "live"})
    assert spool.identity("default") != one


def test_options_that_name_nothing_leave_the_identity(monkeypatch):
    plain = spool.identity("default")
    before = connections["default"].settings_dict["OPTIONS"]
    options = {**before, "connect_timeout": 2, "passfile": "/x"}
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)
    assert spool.identity("default") == plain


def test_a_database_in_memory_is_another_one_in_each_process(monkeypatch):
    if connections["default"].vendor != "sqlite":
        monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    monkeypatch.setitem(connections["default"].settings_dict, "NAME", ":memory:")
    here = spool.identity("default")
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert spool.identity("default") != here


def test_an_entry_that_waited_while_its_file_was_claimed_goes_into_a_new_one(spool_dir):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    with path.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = threading.Thread(target=spool.append, args=("default", [entry()]))
        waiting.start()
        path.rename(path.with_suffix(".claimed"))
    waiting.join()
    assert [len(entries) for entries in read_all()] == [1, 1]


def test_a_process_that_is_stopped_with_the_lock_keeps_nobody_waiting(spool_dir):
    """Under a debugger, on a disk that hangs, or while it replays what was claimed."""
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    with path.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        appending = threading.Thread(target=spool.append, args=("default", [entry()]), daemon=True)
        appending.start()
        appending.join(timeout=30)
        assert not appending.is_alive()
        assert [len(entries) for entries in read_all()] == [1]
    assert [len(entries) for entries in read_all()] == [1]


@pytest.mark.parametrize("disturb", ["rename", "unlink"])
def test_a_file_that_another_takes_first_is_passed_over(spool_dir, monkeypatch, disturb):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    lock = fcntl.flock

    def taken_first(descriptor, flags):
        lock(descriptor, flags)
        if path.exists():
            path.rename(spool_dir / "other") if disturb == "rename" else path.unlink()

    monkeypatch.setattr(fcntl, "flock", taken_first)
    assert spool.claim("default") is None


def test_a_file_that_is_gone_before_it_is_opened_is_passed_over(spool_dir, monkeypatch):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    monkeypatch.setattr(spool, "files", lambda alias: iter([spool_dir / "gone.jsonl", path]))
    with spool.claim("default") as claimed:
        assert len(claimed.entries) == 1


@pytest.mark.parametrize(
    "line", ['{"id": 5}', "[" * 100_000, '"text"', "null", '{"database": null}', "5"]
)
def test_a_line_that_is_no_entry_blocks_no_other(spool_dir, line):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    if line.startswith('{"id"'):
        line = path.read_text().replace(json.loads(path.read_text())["id"], "5").strip()
        line = line.replace('"id":"5"', '"id":5')
    with path.open("a") as file:
        file.write(line + "\n")
    with spool.claim("default") as claimed:
        assert len(claimed.entries) == 1
        assert claimed.rejected == [line]


def test_a_folder_in_which_others_could_forge_entries_is_not_replayed(spool_dir):
    spool.append("default", [entry()])
    spool_dir.chmod(0o777)
    with pytest.raises(SpoolError, match="chmod 700"):
        spool.claim("default")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_another_user_is_not_replayed(spool_dir):
    spool.append("default", [entry()])
    (path,) = spool_dir.iterdir()
    os.chown(path, 65534, 65534)
    assert spool.claim("default") is None


def test_what_the_database_refused_can_be_mended_and_replayed(spool_dir):
    refused = entry()
    spool.append("default", [refused])
    with spool.claim("default") as claimed:
        claimed.finish([refused])
    (aside,) = spool_dir.iterdir()
    aside.rename(aside.with_suffix(".claimed"))
    assert read_all() == [[refused]]

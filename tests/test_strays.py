"""What was spooled for a database that has another name now."""

import fcntl
import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from django_authaudit import spool, strays
from django_authaudit.entry import make_entry, new_id
from django_authaudit.exceptions import SpoolError
from django_authaudit.models import AuditLog
from tests.test_checks import found, lasting, only  # noqa: F401 - a fixture


def entries(number):
    return [make_entry(id=new_id(), event="auth.logout", outcome="success") for _ in range(number)]


@pytest.fixture
def renamed(monkeypatch):
    """Return a function that spools entries for the database while it had another name."""

    def spool_before(number, name="before"):
        with monkeypatch.context() as patch:
            patch.setitem(connections["default"].settings_dict, "NAME", name)
            spool.append("default", entries(number))
            return next(spool.files("default"))

    return spool_before


@pytest.fixture(params=["chosen", "default"])
def anywhere(request, settings, monkeypatch, tmp_path):
    """Have the spool where the setting says, and where none is."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    if request.param == "default":
        del settings.AUTHAUDIT_SPOOL_DIR


def test_what_waits_for_the_database_under_its_former_name_is_found(anywhere, renamed):
    path = renamed(3)
    spool.append("default", entries(5))
    assert strays.find("default") == [strays.Stray(path, 3)]
    assert not strays.find("default")[0].path.samefile(next(spool.files("default")))


def test_there_are_none_in_a_spool_that_is_not_there(anywhere):
    assert strays.find("default") == []


def test_another_projects_spool_is_none(settings, monkeypatch, tmp_path, renamed):
    del settings.AUTHAUDIT_SPOOL_DIR
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setenv("DJANGO_SETTINGS_MODULE", "another.settings")
        renamed(3)
    assert strays.find("default") == []


def test_files_that_hold_nothing_or_are_not_of_a_spool_are_none(spool_dir, renamed):
    renamed(1).write_text("\n")
    (spool_dir / "notes.jsonl").write_text("{}\n")
    (spool_dir / "0123456789abcdef.jsonl").mkdir()
    assert strays.find("default") == []


@pytest.mark.django_db
def test_the_command_names_them_and_adopts_what_it_is_told_to(anywhere, renamed):
    path = renamed(3)
    out = io.StringIO()
    call_command("replay_audit_log", stdout=out)
    assert out.getvalue().endswith(f"  {path} (entries: 3)\n")
    assert AuditLog.objects.count() == 0

    out = io.StringIO()
    call_command("replay_audit_log", adopt=[path], stdout=out)
    assert "3 stored, 0 already there, 0 rejected." in out.getvalue()
    assert "another database" not in out.getvalue()
    assert AuditLog.objects.filter(event="auth.logout").count() == 3
    assert not path.exists()


@pytest.mark.django_db
def test_what_was_adopted_twice_is_stored_once(spool_dir, renamed):
    """As by a process that is killed between copying and removing."""
    path = renamed(3)
    lines = path.read_text()
    assert strays.adopt(path, "default") == 3
    path.write_text(lines)
    call_command("replay_audit_log", adopt=[path], verbosity=0)
    assert AuditLog.objects.filter(event="auth.logout").count() == 3
    assert list(spool_dir.iterdir()) == []


def test_what_is_no_entry_is_set_aside(spool_dir, renamed):
    path = renamed(1)
    path.write_text("torn\n")
    assert strays.adopt(path, "default") == 0
    (aside,) = spool_dir.iterdir()
    assert aside.suffix == ".rejected"
    assert not spool.waiting("default")


@pytest.mark.parametrize("name", ["notes.txt", "0123456789abcdef.jsonl", "gone/x.jsonl"])
def test_what_is_no_file_of_a_spool_is_refused_with_status_two(db, tmp_path, name):
    with pytest.raises(CommandError, match="is no file of a spool") as failure:
        call_command("replay_audit_log", adopt=[tmp_path / name])
    assert failure.value.returncode == 2
    assert not (tmp_path / "gone").exists()


def test_a_file_that_another_process_has_is_refused(renamed):
    path = renamed(1)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(SpoolError, match="in use"):
            strays.adopt(path, "default")
    assert path.exists()


def test_w043_entries_for_another_database_are_warned_of(renamed):
    assert found() == []
    path = renamed(3)
    message = only("W043")
    assert f"{path} (entries: 3)" in message.msg
    assert "--adopt" in message.hint

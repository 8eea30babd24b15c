"""A file that is appended to: whole lines, whoever else writes, renames or empties it."""

import fcntl
import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import threading
import time

import pytest

from django_authaudit.models import AuditLog
from django_authaudit.sinks.file import FileSink
from tests.management.conftest import ROOT, environment
from tests.sinks.receivers import DATABASE, entries, ship, store


def lines(path):
    return path.read_text("utf-8").splitlines()


def names(path):
    return [json.loads(line)["username"] for line in lines(path)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "audit.log"


@pytest.mark.django_db
def test_a_request_leaves_a_line_beside_its_row(settings, client, path):
    backend = "django_authaudit.sinks.file.FileSink"
    options = {"path": str(path)}
    settings.AUTHAUDIT_SINKS = {
        "database": DATABASE,
        "file": {"BACKEND": backend, "OPTIONS": options},
    }

    client.get("/forbidden/")

    (line,) = lines(path)
    row = AuditLog.objects.get()
    assert json.loads(line)["id"] == str(row.id)
    assert json.loads(line)["event"] == "authz.forbidden"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.django_db(transaction=True)
def test_it_may_be_shipped_to_instead(settings, path):
    config = {
        "BACKEND": "django_authaudit.sinks.file.FileSink",
        "OPTIONS": {"path": str(path), "sync": True},
        "IN_LINE": False,
    }
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "file": config}
    store("ada", "bob")

    ship()
    ship()

    assert names(path) == ["ada", "bob"]


def test_lines_have_the_format_that_is_chosen(path):
    FileSink(path, format="ocsf", format_options={"version": "1.5.0"}).emit(entries("ada"))

    assert json.loads(lines(path)[0])["metadata"]["version"] == "1.5.0"


def test_an_unknown_format_is_refused(path):
    with pytest.raises(ValueError, match="'xml' is no format"):
        FileSink(path, format="xml")


def test_a_file_with_columns_has_one_line_of_their_names(path):
    sink = FileSink(path, format="csv", mode=0o640)

    sink.emit(entries("ada"))
    sink.emit(entries("bob"))

    header, ada, bob = lines(path)
    assert header == sink.format.header
    assert "ada" in ada
    assert "bob" in bob
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_renamed_file_is_left_and_a_new_one_begun(path):
    sink = FileSink(path)
    sink.emit(entries("ada"))
    old = path.rename(path.with_suffix(".1"))
    sink.emit(entries("bob"))

    assert (names(old), names(path)) == (["ada"], ["bob"])


def test_a_file_that_is_copied_and_emptied_goes_on_from_its_beginning(path):
    sink = FileSink(path)
    sink.emit(entries("ada"))
    copy = shutil.copy(path, path.with_suffix(".1"))
    os.truncate(path, 0)
    sink.emit(entries("bob"))

    assert (names(copy), names(path)) == (["ada"], ["bob"])


@pytest.mark.parametrize("rotation", ["removed", "replaced"])
def test_a_file_that_is_rotated_while_its_lock_is_waited_for_gets_nothing(path, rotation):
    path.touch()
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        writing = threading.Thread(target=FileSink(path).emit, args=(entries("ada"),))
        writing.start()
        time.sleep(0.1)
        old = path.rename(path.with_suffix(".1"))
        if rotation == "replaced":
            path.touch()
    writing.join()

    assert (names(old), names(path)) == ([], ["ada"])


APPEND_MANY = """
import django, sys
django.setup()
from tests.management.conftest import ROOT, environment
from tests.sinks.receivers import entries
from django_authaudit.sinks.file import FileSink
path, name = sys.argv[1:]
for _ in range(100):
    FileSink(path).emit(entries(name, name, name))
"""


def test_half_a_line_that_a_crash_left_costs_no_other(path):
    sink = FileSink(path)
    sink.emit(entries("ada"))
    with path.open("a") as file:
        file.write('{"id":"0')

    sink.emit(entries("bob"))

    first, half, last, *rest = path.read_text().splitlines()
    assert (half, rest) == ('{"id":"0', [])
    assert [json.loads(line)["username"] for line in (first, last)] == ["ada", "bob"]


def test_processes_that_append_at_once_never_mix_their_lines(path):
    command = [sys.executable, "-c", APPEND_MANY, str(path)]
    processes = [
        subprocess.Popen([*command, name], cwd=ROOT, env=environment()) for name in "abcd"
    ]
    for process in processes:
        assert process.wait(60) == 0

    found = names(path)
    assert sorted(found) == sorted("abcd" * 300)
    assert all(found[at] == found[at + 1] == found[at + 2] for at in range(0, 1200, 3))


def test_what_does_not_fit_on_the_disk_leaves_no_half_a_line(path):
    sink = FileSink(path)
    sink.emit(entries("ada"))
    size = path.stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            sink.emit(entries("bob", "cy"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert names(path) == ["ada"]
    sink.emit(entries("dan"))
    assert names(path) == ["ada", "dan"]

"""A project whose commands run in processes of their own, on a database that the test sees too."""

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db import connection, connections

ROOT = Path(__file__).resolve().parent.parent.parent
KILLED = Path(__file__).parent / "killed.py"
PATIENCE = 60
"""Seconds after which a process counts as hung."""


@dataclass
class Project:
    """The project of `tests.settings`, on the database that is `default` here."""

    environment: dict[str, str]
    processes: list[subprocess.Popen] = field(default_factory=list)

    def command(self, *arguments):
        return [sys.executable, "-W", "error", "-m", "django", *arguments]

    def run(self, *arguments, **environment):
        """Run a command of the project to its end: (status, stdout, stderr)."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=ROOT,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout, done.stderr

    def run_killed(self, point, *arguments):
        """Run a command that is killed at its step of that number: (status, stderr)."""
        done = subprocess.run(
            [sys.executable, str(KILLED), str(point), *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        # What a killed process has written is seen by a connection made afterwards.
        connection.close()
        return done.returncode, done.stderr

    def start(self, *arguments, **options):
        """Start a command of the project."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=ROOT,
            env=self.environment,
            preexec_fn=handle_signals_as_usual,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        )
        self.processes.append(process)
        return process

    def wait_until(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.005)

    def end_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()


def handle_signals_as_usual():
    """Undo what a shell does that starts the tests in the background: it has Ctrl-C ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@pytest.fixture
def usual_signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    handle_signals_as_usual()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def environment(**more):
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "PYTHONPATH": str(ROOT),
        **more,
    }


@pytest.fixture(scope="session")
def empty_file(tmp_path_factory):
    """Return a migrated database of SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("sqlite")
    Project(environment(DATABASE_PATH=str(folder), DATABASE_NAME="empty")).run("migrate")
    return folder / "empty.sqlite3"


@pytest.fixture
def project(request, tmp_path, transactional_db):
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    if connection.vendor == "sqlite":
        # One in memory is its process's own.
        shutil.copy(request.getfixturevalue("empty_file"), tmp_path / "log.sqlite3")
        request.getfixturevalue("default_in_file")
        place = {"DATABASE_PATH": str(tmp_path), "DATABASE_NAME": "log"}
    else:
        place = {"DATABASE_NAME": connection.settings_dict["NAME"]}
    project = Project(environment(**state, **place))
    yield project
    project.end_all()


@pytest.fixture
def default_in_file(tmp_path):
    """Have `default` be a file while the test runs, and again what it was, still open, after."""
    in_memory, its_settings = connections["default"], connections.settings["default"]
    path = str(tmp_path / "log.sqlite3")
    # A tenth of a second is enough to see that a lock is waited for.
    options = {"timeout": 0.1}
    connections.settings["default"] = {**its_settings, "NAME": path, "OPTIONS": options}
    del connections["default"]
    yield
    connections["default"].close()
    connections["default"], connections.settings["default"] = in_memory, its_settings

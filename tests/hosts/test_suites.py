"""The test suite of a project that has installed the package, run by the project's own runner."""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent.parent
PROJECT = Path(__file__).resolve().parent / "project"
DEFAULT = settings.DATABASES["default"]
ON_SQLITE = DEFAULT["ENGINE"].endswith("sqlite3")
LEFT_ALONE = ("DJANGO_SETTINGS_MODULE", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST")


class Host:
    """A copy of the project in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder / "project"
        self.state = folder / "state"
        shutil.copytree(PROJECT, self.folder, ignore=shutil.ignore_patterns("__pycache__"))
        self.database = f"{Path(DEFAULT['NAME']).stem}_host_{os.getpid()}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in LEFT_ALONE},
            "HOST_ENGINE": DEFAULT["ENGINE"],
            "HOST_DATABASE": self.database,
            "HOST_USER": DEFAULT.get("USER", ""),
            "HOST_PASSWORD": DEFAULT.get("PASSWORD", ""),
            "HOST_SERVER": DEFAULT.get("HOST", ""),
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(self.state),
        }

    def run(self, *command, **environment):
        """Run Python with `command`, and return all that it said."""
        done = subprocess.run(
            [sys.executable, *command],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def complaints(self):
        """Return what the audit log has logged."""
        path = self.folder / "complaints.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def spooled(self):
        return [path for path in self.state.rglob("*") if path.is_file()]


@pytest.fixture
def host(tmp_path):
    host = Host(tmp_path)
    yield host
    assert host.complaints() == ""
    assert host.spooled() == []


TESTS = {
    "with": "shop.tests.test_with_database",
    "without": "shop.tests.test_without_database",
    "unmarked": "shop.tests.test_unmarked",
    "leftovers": "shop.tests.test_leftovers",
    "event loop": "shop.tests.test_event_loop",
}


def run_django(host, *names, options=(), **environment):
    labels = [TESTS[name] for name in names]
    output = host.run("manage.py", "test", "--noinput", *options, *labels, **environment)
    assert re.search(r"^OK$", output, re.MULTILINE)


def run_pytest(host, *names):
    modules = [f"{TESTS[name].replace('.', '/')}.py" for name in names]
    output = host.run(
        "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", *modules
    )
    assert " passed" in output
    assert "skipped" not in output


@pytest.mark.parametrize("order", ["--reverse", "--shuffle=1", "--parallel=2"])
def test_a_suite_by_django_s_runner_sees_entries_and_leaks_none(host, order):
    run_django(host, "with", "without", options=[order])


def test_a_suite_by_pytest_sees_entries_and_leaks_none(host):
    run_pytest(host, "with", "without", "unmarked")


def test_a_log_in_a_database_that_a_test_may_not_use_is_no_error(host):
    run_django(host, "without", HOST_LOG_APART="1")


def test_a_test_that_ends_with_a_rollback_leaves_nothing_to_the_next(host):
    run_django(host, "leftovers")


def test_a_coroutine_that_records_leaves_nothing_to_the_next(tmp_path):
    host = Host(tmp_path)

    run_django(host, "event loop")

    assert (host.complaints(), host.spooled()) == ("", [])


@pytest.mark.skipif(not ON_SQLITE, reason="only on SQLite is the project's database a file")
def test_what_a_test_left_never_reaches_the_database_of_the_project(host):
    host.run("manage.py", "migrate", "--verbosity=0")
    for kind in ("InATestCase", "InATransactionTestCase"):
        host.run(
            "manage.py",
            "test",
            "--noinput",
            f"{TESTS['leftovers']}.{kind}.test_1_ends_with_a_rollback",
        )

    with closing(sqlite3.connect(host.folder / f"{host.database}.sqlite3")) as database:
        assert database.execute("SELECT * FROM django_authaudit_auditlog").fetchall() == []

"""The demo: what a newcomer runs first, and a smoke test of the whole on a running server."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, build_opener

import pytest
from django.conf import settings

import django_authaudit

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "example_project"
DJANGO_SETTINGS = "DJANGO_SETTINGS_MODULE"
SECONDS_TO_FINISH = 180
SECONDS_TO_END = 30
EVENTS = (
    "account.activity_disputed",
    "account.created",
    "account.deactivated",
    "account.deleted",
    "account.email_changed",
    "account.renamed",
    "auth.account_locked",
    "auth.account_unlocked",
    "auth.login.failure",
    "auth.login.success",
    "auth.logout",
    "auth.password.change_failure",
    "auth.password.changed",
    "auth.password_reset.completed",
    "auth.password_reset.failure",
    "auth.password_reset.requested",
    "auth.session.revoked",
    "authz.csrf_rejected",
    "authz.forbidden",
    "authz.group.created",
    "authz.group.permission_granted",
    "authz.role.granted",
    "authz.role.revoked",
    "authz.unauthenticated",
    "library.book_reserved",
    "security.suspicious_request",
)

pytestmark = pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3",
    reason="the demo has a SQLite database of its own: once is enough",
)


def environment(folder: Path) -> dict[str, str]:
    package = Path(django_authaudit.__file__).parent.parent
    inherited = {name: os.environ[name] for name in os.environ if name != DJANGO_SETTINGS}
    return {
        **inherited,
        "HARBOUR_DATA_DIR": str(folder),
        "PYTHONPATH": str(package),
        "PYTHONIOENCODING": "utf-8",
        "PYTHONUNBUFFERED": "1",
    }


def run(folder: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLE / script, *arguments],
        env=environment(folder),
        capture_output=True,
        encoding="utf-8",
        timeout=SECONDS_TO_FINISH,
    )


def heed_ctrl_c() -> None:
    # A shell that runs the tests in the background has its children ignore it.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, EXAMPLE / "demo.py"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    ) as process:
        try:
            yield process
        finally:
            # Only the demo's own session: it and the server that it started.
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)


def test_the_demo_shows_every_event_and_ends_well_over_the_remains_of_an_earlier_run(
    tmp_path: Path,
) -> None:
    (tmp_path / "harbour.sqlite3").write_text("what an earlier run left")

    demo = run(tmp_path, "demo.py", "--no-serve")

    assert demo.returncode == 0, demo.stdout + demo.stderr
    table = demo.stdout.partition("What the audit log holds")[2]
    shown = re.findall(r"^\d\d:\d\d:\d\d  (\S+)", table, re.MULTILINE)
    assert sorted(set(shown)) == list(EVENTS)
    assert f"{len(EVENTS)} event types, {len(shown)} entries." in table
    assert demo.stderr == ""


def test_the_admin_is_served_to_who_signs_in_as_printed_until_ctrl_c(
    served: subprocess.Popen[str],
) -> None:
    assert served.stdout is not None
    printed = ""
    for line in served.stdout:
        printed += line
        if line.strip().startswith("Member"):
            break
    address = re.search(r"The log\s+(\S+)", printed)
    account = re.search(r"Admin\s+(\S+)\s+password (\S+)", printed)
    assert address is not None, printed
    assert account is not None, printed

    page = sign_in(address[1], account[1], account[2])
    os.killpg(served.pid, signal.SIGINT)

    assert "auth.account_locked" in page or "Account locked" in page
    assert served.communicate(timeout=SECONDS_TO_END)[0].strip() == ""
    assert served.returncode == 0


def sign_in(address: str, username: str, password: str) -> str:
    opener = build_opener(ProxyHandler({}), HTTPCookieProcessor(CookieJar()))
    with opener.open(address, timeout=30) as response:
        form = response.read().decode()
        target = response.url
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', form)
    assert token is not None
    typed = {"csrfmiddlewaretoken": token[1], "username": username, "password": password}
    with opener.open(target, urlencode(typed).encode(), timeout=30) as response:
        assert response.url == address
        return str(response.read().decode())


def test_a_second_demo_says_that_one_is_being_served(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "demo.lock", isolation_level=None)) as first:
        first.execute("BEGIN EXCLUSIVE")

        second = run(tmp_path, "demo.py", "--no-serve")

    assert second.returncode == 1
    assert "Another demo is still being served" in second.stderr
    assert not (tmp_path / "harbour.sqlite3").exists()


def test_the_example_project_passes_every_system_check() -> None:
    checked = run(EXAMPLE / "var", "manage.py", "check")

    assert checked.returncode == 0, checked.stderr
    # A checkout below a temporary folder is told so, rightly.
    assert set(re.findall(r"\b\w+\.[EW]\d+\b", checked.stderr)) <= {"django_authaudit.W006"}

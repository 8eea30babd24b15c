"""The examples of the documentation run as they are printed, in a project of their own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings

from tests.test_docs import CHECK_ID, PAGES, ROOT, page

once_is_enough = pytest.mark.skipif(
    settings.DATABASES["default"]["ENGINE"] != "django.db.backends.sqlite3",
    reason="the examples have a SQLite database of their own: once is enough",
)


class Block(NamedTuple):
    language: str
    text: str

    @property
    def file(self) -> str:
        """The path in the block's first line, or nothing."""
        found = re.match(r"# (\S+\.(?:py|ini))\n", self.text)
        return found[1] if found else ""


def blocks(name: str) -> list[Block]:
    return [
        Block(*found) for found in re.findall(r"^```(\w+)\n(.*?)^```$", page(name), re.M | re.S)
    ]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_python_block_is_python(path):
    for block in blocks(path.stem):
        if block.language == "python":
            compile(block.text, path.name, "exec")


class Project:
    """A new project, as `startproject` makes it, with the blocks of a page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Nothing is spooled in these tests; if it were, not into a home.
        self.environment = {**os.environ, "XDG_STATE_HOME": str(folder / "state")}
        self.environment |= {"DJANGO_SETTINGS_MODULE": "mysite.settings", "PYTHONPATH": str(ROOT)}
        self.run("-m", "django", "startproject", "mysite", ".")

    def add(self, text: str) -> None:
        with (self.folder / "mysite/settings.py").open("a", encoding="utf-8") as file:
            file.write(text)

    def use(self, name: str) -> None:
        for block in blocks(name):
            if block.file == "mysite/settings.py":
                self.add(block.text)
            elif block.file:
                path = self.folder / block.file
                path.parent.mkdir(exist_ok=True)
                path.write_text(block.text, encoding="utf-8")

    def run(self, *arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def manage(self, *arguments: str, **environment: str) -> str:
        return self.run("manage.py", *arguments, **environment)


INSTALLED = """
INSTALLED_APPS += ["django_authaudit"]
MIDDLEWARE = ["django_authaudit.middleware.AuditMiddleware", *MIDDLEWARE]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ALLOWED_HOSTS = ["testserver"]
"""
SIGN_IN = """
from django.test import Client
for password in ("wrong", "right"):
    Client().post("/admin/login/", {"username": "ada", "password": password})
"""


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@once_is_enough
def test_the_quickstart_ends_in_the_rows_that_it_prints(project):
    steps = "".join(block.text for block in blocks("quickstart") if block.language == "console")
    (question,) = [b.text for b in blocks("quickstart") if b.language == "python" and not b.file]
    (answer,) = [b.text for b in blocks("quickstart") if b.language == "text"]
    assert re.findall(r"manage\.py (\w+)", steps) == [
        "migrate",
        "check",
        "createsuperuser",
        "runserver",
    ]

    project.use("quickstart")
    project.add("ALLOWED_HOSTS = ['testserver']\n")
    project.manage("migrate")
    assert not {"django_authaudit.W001", "django_authaudit.W002"} & set(
        CHECK_ID.findall(project.manage("check"))
    )
    project.manage(
        "createsuperuser",
        "--noinput",
        "--username=ada",
        "--email=",
        DJANGO_SUPERUSER_PASSWORD="right",
    )
    project.manage("shell", "-c", SIGN_IN)

    assert answer in project.manage("shell", "-c", question)


OWN_EVENTS = """
import json
from django.contrib.auth.models import User
from django.test import Client
from django_authaudit.models import AuditLog
from shop.tasks import expire_card
import shop.alarms
ann = User.objects.create_user("ann")
client = Client()
client.force_login(ann)
client.get("/card/")
expire_card(ann, "expired")
found = AuditLog.objects.of_event("billing.card_changed").order_by("id")
print(json.dumps([[e.event_label, e.path, e.user_id, e.actor_id, e.metadata] for e in found]))
"""


@once_is_enough
def test_the_example_of_own_events_records_them(project):
    project.use("own-events")
    project.use("api")
    project.add(INSTALLED + 'INSTALLED_APPS += ["shop"]\n')
    (project.folder / "mysite/urls.py").write_text(
        "from django.urls import path\nfrom shop import views\n"
        "urlpatterns = [path('card/', views.change_card)]\n"
    )
    project.manage("migrate")

    printed = project.manage("shell", "-v", "0", "-c", OWN_EVENTS)

    assert json.loads(printed.splitlines()[-1]) == [
        ["Payment card changed", "/card/", 1, 1, {"ends_in": "4242"}],
        ["Payment card changed", "", 1, None, {"reason": "expired"}],
    ]


@once_is_enough
def test_the_tests_of_the_testing_page_pass(project):
    project.use("testing")
    project.add(INSTALLED)

    printed = project.run("-m", "pytest", "-p", "no:cacheprovider")

    assert "3 passed" in printed


GATEHOUSE = {
    "signals": "from django.dispatch import Signal\nsession_ended = Signal()\n",
    "views": """
from django.http import HttpResponse
from gatehouse.signals import session_ended
def end_session(request):
    session_ended.send(sender=None, request=request, user=request.user)
    return HttpResponse()
""",
}
OWN_SOURCE = """
import json
from django.contrib.auth.models import User
from django.test import Client
from django_authaudit.models import AuditLog
ann = User.objects.create_user("ann")
client = Client()
client.force_login(ann)
before = AuditLog.objects.latest("id").id
client.post("/end-session/")
found = AuditLog.objects.filter(id__gt=before)
print(json.dumps([[e.event, e.path, e.user_id, e.actor_id, e.metadata] for e in found]))
"""


@once_is_enough
def test_the_source_of_the_page_records_what_its_package_does_once(project):
    package = project.folder / "gatehouse"
    package.mkdir()
    for name, text in GATEHOUSE.items():
        (package / f"{name}.py").write_text(text)
    project.use("own-source")
    (project.folder / "shop/__init__.py").touch()
    project.add(INSTALLED + 'INSTALLED_APPS += ["shop"]\n')
    project.manage("migrate")
    assert (
        status_of("gatehouse", project.manage("report_audit_log"))
        == "gatehouse is not in INSTALLED_APPS"
    )

    project.add('INSTALLED_APPS += ["gatehouse"]\n')
    (project.folder / "mysite/urls.py").write_text(
        "from django.urls import path\nfrom gatehouse import views\n"
        "urlpatterns = [path('end-session/', views.end_session)]\n"
    )
    printed = project.manage("shell", "-v", "0", "-c", OWN_SOURCE)

    assert json.loads(printed.splitlines()[-1]) == [
        ["auth.session.revoked", "/end-session/", 1, 1, {"via": "gatehouse"}]
    ]
    assert status_of("gatehouse", project.manage("report_audit_log")) == "connected"
    assert "Ran 1 test in" in project.manage("test")


def status_of(source, report):
    (status,) = re.findall(rf"^  {source} +(.+)$", report, re.M)
    return status

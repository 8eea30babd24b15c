"""Build the wheel, install it away from the checkout, and use it as a new project would.

The tests import the checkout, so a template that the wheel lacks goes unseen by them.
"""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "django_authaudit"
MUST_HAVE = ("migrations/0001_", "templates/", "static/", "locale/", "py.typed")

NEW_PROJECT = f"""
import django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    SECRET_KEY="only for this check",
    INSTALLED_APPS=[
        "django.contrib.admin",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.messages",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "{PACKAGE}",
    ],
    MIDDLEWARE=[
        "{PACKAGE}.middleware.AuditMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    DATABASES={{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}},
    TEMPLATES=[
        {{
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {{
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            }},
        }}
    ],
    ROOT_URLCONF="new_project_urls",
    STATIC_URL="static/",
    USE_TZ=True,
    ALLOWED_HOSTS=["testserver"],
    # The project itself is a temporary one.
    SILENCED_SYSTEM_CHECKS=["django_authaudit.W006"],
)
django.setup()
call_command("check", fail_level="WARNING")
call_command("makemigrations", "{PACKAGE}", check=True, dry_run=True, verbosity=0)
call_command("migrate", verbosity=0)

from django.contrib.auth import get_user_model
from django.contrib.staticfiles import finders
from django.test import Client

import {PACKAGE}
from {PACKAGE}.models import AuditLog

get_user_model().objects.create_superuser("ada", "ada@example.com", "right")
browser = Client()
login = "/admin/login/"
browser.post(login, {{"username": "ada", "password": "wrong"}})
browser.post(login, {{"username": "ada", "password": "right"}})
recorded = list(AuditLog.objects.order_by("id").values_list("event", flat=True))
assert recorded[-2:] == ["auth.login.failure", "auth.login.success"], recorded
entry = AuditLog.objects.order_by("-id").first()
for page in ("", f"{{entry.pk}}/change/"):
    response = browser.get("/admin/{PACKAGE}/auditlog/" + page)
    assert response.status_code == 200, (page, response.status_code)
print(f"{PACKAGE} {{{PACKAGE}.__version__}} from {{{PACKAGE}.__file__}} recorded {{recorded}}")
"""

URLS = """
from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
"""


def build(into: Path) -> Path:
    """Build the wheel of what is committed or about to be."""
    run(sys.executable, "-m", "build", "--wheel", "--outdir", str(into), str(ROOT))
    (wheel,) = into.glob("*.whl")
    return wheel


def run(*command: str, cwd: Path | None = None, **more: str) -> str:
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | more
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(
            f"{' '.join(command[:4])} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def tracked_files() -> set[str]:
    return set(run("git", "ls-files", PACKAGE, cwd=ROOT).splitlines())


def complaints_about(wheel: Path) -> list[str]:
    names = set(zipfile.ZipFile(wheel).namelist())
    lacking = [f"lacks {name}" for name in sorted(tracked_files() - names)]
    kinds = [
        f"has nothing under {PACKAGE}/{kind}"
        for kind in MUST_HAVE
        if not any(name.startswith(f"{PACKAGE}/{kind}") for name in names)
    ]
    strays = [
        f"carries {name}"
        for name in sorted(names)
        if not name.startswith((f"{PACKAGE}/", f"{PACKAGE}-"))
    ]
    return lacking + kinds + strays


def use(wheel: Path, folder: Path) -> str:
    """Install the wheel into an environment of its own and record a login with it."""
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    python = str(environment / "bin" / "python")
    run(python, "-m", "pip", "install", "--quiet", str(wheel), cwd=folder)
    (folder / "new_project_urls.py").write_text(URLS)
    (folder / "new_project.py").write_text(NEW_PROJECT)
    state = str(folder / "state")
    said = run(python, "-W", "error", "new_project.py", cwd=folder, XDG_STATE_HOME=state)
    if str(environment) not in said:
        sys.exit(f"The installed package was not the one imported: {said}")
    return said


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder / "dist")
        complaints = complaints_about(wheel)
        if complaints:
            sys.exit("\n".join(f"{wheel.name} {complaint}" for complaint in complaints))
        print(use(wheel, folder))


if __name__ == "__main__":
    main()

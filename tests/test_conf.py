"""Settings are read live, under their full names, and never written."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from django_authaudit.conf import Settings, conf
from django_authaudit.models import AuditLog
from django_authaudit.sinks.database import DatabaseSink

ROOT = Path(__file__).resolve().parent.parent

NAMES = [name for name in vars(Settings) if not name.startswith("_")]
DEFAULTS = {
    "AUTHAUDIT_DATABASE": None,
    "AUTHAUDIT_MINIMUM_RETENTION_DAYS": 1,
    "AUTHAUDIT_RETENTION": {},
    "AUTHAUDIT_RETENTION_DAYS": 90,
    "AUTHAUDIT_SERVICE_NAME": None,
    "AUTHAUDIT_SINKS": {
        "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
    },
    "AUTHAUDIT_SOURCES": None,
    "AUTHAUDIT_SPOOL_DIR": None,
    "AUTHAUDIT_TRACK_QUERYSET_UPDATES": False,
    "AUTHAUDIT_TRUSTED_PROXIES": (),
}


@pytest.fixture
def untouched(settings):
    for name in NAMES:
        if hasattr(settings, name):
            delattr(settings, name)


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_defaults_are_as_documented(untouched, name, default):
    assert getattr(conf, name) == default


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_read_live_under_its_own_name(settings, name):
    value = object()
    setattr(settings, name, value)
    assert getattr(conf, name) is value

    delattr(settings, name)
    assert getattr(conf, name) is not value


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_named_typed_and_described(name):
    prop = vars(Settings)[name]

    assert name.startswith("AUTHAUDIT_")
    assert isinstance(prop, property)
    assert prop.__doc__
    assert inspect.signature(prop.fget).return_annotation is not inspect.Signature.empty


def test_reading_a_default_leaves_the_project_s_settings_alone(untouched):
    before = set(dir(settings))
    for name in NAMES:
        getattr(conf, name)

    assert set(dir(settings)) == before


WRONG = [
    ("AUTHAUDIT_DATABASE", "audti"),
    ("AUTHAUDIT_DATABASE", "audit"),  # without the router
    ("AUTHAUDIT_DATABASE", 5),
    ("AUTHAUDIT_DATABASE", ["audit"]),
    ("AUTHAUDIT_MINIMUM_RETENTION_DAYS", "a month"),
    ("AUTHAUDIT_RETENTION_DAYS", "90"),
    ("AUTHAUDIT_SINKS", {}),
    ("AUTHAUDIT_SINKS", []),
    ("AUTHAUDIT_SINKS", "database"),
    ("AUTHAUDIT_SINKS", None),
    ("AUTHAUDIT_SINKS", {"database": None}),
    ("AUTHAUDIT_SINKS", {"database": {"BACKEND": None}}),
    ("AUTHAUDIT_SINKS", {"database": {"BACKEND": "nowhere.Sink"}}),
    ("AUTHAUDIT_SINKS", {"database": {"BACKEND": f"{__name__}.Unreachable"}}),
    ("AUTHAUDIT_SOURCES", 5),
    ("AUTHAUDIT_SPOOL_DIR", 5),
    ("AUTHAUDIT_SPOOL_DIR", ["/var/spool"]),
    ("AUTHAUDIT_TRACK_QUERYSET_UPDATES", "no"),
    ("AUTHAUDIT_TRUSTED_PROXIES", "10.0.0.0/8"),
    pytest.param("AUTHAUDIT_TRUSTED_PROXIES", 5),
    ("AUTHAUDIT_TRUSTED_PROXIES", [["10.0.0.0/8"]]),
    ("AUTHAUDIT_TRUSTED_PROXIES", ["proxy.example.com"]),
]


class Unreachable(DatabaseSink):
    """A sink that cannot be made."""

    def __init__(self):
        raise ConnectionRefusedError("no route to the collector")


@pytest.mark.django_db(databases=["default", "audit"])
@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_login_works_and_is_recorded_whatever_is_wrong(settings, client, name, value):
    User.objects.create_user("bob", password="right")
    setattr(settings, name, value)

    response = client.post("/login/", {"username": "bob", "password": "right"})

    assert response.status_code == 302
    found = AuditLog.objects.using("audit" if value == "audit" else "default")
    assert found.get(event="auth.login.success").ip_address == "127.0.0.1"


@pytest.mark.django_db
def test_a_project_without_time_zones_has_a_log(settings, client):
    settings.USE_TZ = False

    client.get("/forbidden/")

    assert AuditLog.objects.get().event == "authz.forbidden"


STARTS = """
import sys
from django.conf import settings
import django
settings.configure(
    AUTHAUDIT_SOURCES=eval(sys.argv[1]),
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_authaudit"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    USE_TZ=True,
)
django.setup()
from django.contrib.auth import authenticate
from django.core.management import call_command
from django_authaudit.models import AuditLog
call_command("migrate", verbosity=0)
authenticate(username="bob", password="wrong")
print(*AuditLog.objects.values_list("event", flat=True))
"""


@pytest.mark.parametrize(
    "value",
    [
        (5),
        ("everything"),
        ([5]),
        {"login": True},
    ],
)
def test_a_site_starts_and_listens_whatever_is_wrong_about_its_sources(tmp_path, value):
    done = subprocess.run(
        [sys.executable, "-c", STARTS, repr(value)],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.returncode) == ("auth.login.failure", 0), done.stderr

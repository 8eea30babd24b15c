"""Everything is wired in one place, once, when Django is ready."""

import subprocess
import sys
from pathlib import Path

from django.apps import apps
from django.core.checks import registry
from django.core.signals import request_finished
from django.db.models import signals as model_signals
from django.utils.translation import override

from django_authaudit import checks, observers, recorder, wraps
from django_authaudit.checks import wrapped

ROOT = Path(__file__).resolve().parent.parent
SIGNALS = {
    "request_finished": request_finished,
    "pre_save": model_signals.pre_save,
    "post_save": model_signals.post_save,
    "pre_delete": model_signals.pre_delete,
    "post_delete": model_signals.post_delete,
    "m2m_changed": model_signals.m2m_changed,
    "post_migrate": model_signals.post_migrate,
}


def config():
    return apps.get_app_config("django_authaudit")


def wired():
    from django.contrib.auth import signals

    known = {**SIGNALS, "in": signals.user_logged_in, "failed": signals.user_login_failed}
    return {
        **{name: {lookup for lookup, *_ in signal.receivers} for name, signal in known.items()},
        "observers": set(observers._observers),
        "checks": set(registry.registry.registered_checks),
        "wraps": {wrapped.resolve(path) for path in wraps.WRAPPED},
    }


def test_the_app_is_named_as_everything_of_it():
    with override("en"):
        assert (config().name, config().label) == ("django_authaudit", "django_authaudit")
        assert str(config().verbose_name) == "Audit log"


def test_a_second_ready_adds_nothing():
    before = wired()

    config().ready()

    added = {name: things - before[name] for name, things in wired().items()}
    assert not any(added.values()), added


def test_every_check_is_registered():
    assert set(checks.CHECKS) <= set(registry.registry.registered_checks)
    assert all(checks.TAG in check.tags for check in checks.CHECKS)


def test_what_a_rollback_left_is_written_after_each_request():
    uid = "django_authaudit.recorder.write_settled"
    found = [receiver for receiver in request_finished.receivers if receiver[0][0] == uid]

    assert [receiver[1]() for receiver in found] == [recorder.write_settled]


WIRES_NOTHING = """
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
django.setup()
from django.contrib.auth import signals
from django.core.signals import request_finished
from django.db.models import signals as model_signals
every = [signals.user_logged_in, signals.user_login_failed, signals.user_logged_out]
every += [model_signals.pre_save, model_signals.post_delete, request_finished]
before = [len(signal.receivers) for signal in every]
import django_authaudit.checks, django_authaudit.middleware
from django_authaudit import sources
sources.discover()
assert [len(signal.receivers) for signal in every] == before
"""


def test_importing_everything_wires_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WIRES_NOTHING],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")

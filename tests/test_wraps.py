"""What is wrapped of Django fits this Django, and nobody can tell it from the original."""

import gc
import inspect
import subprocess
import sys
from inspect import isclass
from pathlib import Path
from types import FunctionType

import pytest
from django.contrib.auth.base_user import AbstractBaseUser

from django_authaudit import wraps
from django_authaudit.checks import wrapped

ROOT = Path(__file__).resolve().parent.parent
# All that Django's functions carry, as far as a wrap can lose it.
NAMES = ("__name__", "__qualname__", "__module__", "__doc__")


def wrapped_functions():
    """Return, by its path, every function that stands in the place of another."""
    # Asking a lazy object that another test left behind for its class would query.
    classes = [thing for thing in gc.get_objects() if issubclass(type(thing), type)]
    owners = [*sys.modules.values(), *classes]
    return {
        f"{_path(owner)}.{name}": value
        for owner in owners
        for name, value in list(vars(owner).items())
        if isinstance(value, FunctionType) and "_authaudit_wrap" in vars(value)
        # Others may have imported it, which is no second place.
        if isclass(owner) or value.__module__ == owner.__name__
    }


def _path(owner):
    return f"{owner.__module__}.{owner.__qualname__}" if isclass(owner) else owner.__name__


WRAPS = wrapped_functions()
PATHS = sorted(WRAPS)


@pytest.mark.parametrize("path", sorted(wraps.WRAPPED))
def test_every_wrap_fits_this_django(path):
    assert wrapped.parameters(path) == wraps.WRAPPED[path]
    assert path not in wrapped.misfits()


def test_nothing_is_wrapped_that_is_not_watched():
    assert set(PATHS) <= set(wraps.WRAPPED)


@pytest.mark.parametrize("path", PATHS)
def test_a_wrap_looks_like_what_it_wraps(path):
    wrapper = WRAPS[path]
    original = wrapper.__wrapped__

    assert [getattr(wrapper, name) for name in NAMES] == [
        getattr(original, name) for name in NAMES
    ]
    # The trap: without them, `login_required = False` or `alters_data = True` is lost.
    assert original.__dict__.items() <= wrapper.__dict__.items()
    assert inspect.iscoroutinefunction(wrapper) is inspect.iscoroutinefunction(original)
    assert inspect.isgeneratorfunction(wrapper) is inspect.isgeneratorfunction(original)
    assert inspect.signature(wrapper) == inspect.signature(original)


def test_a_function_that_is_gone_is_reported(monkeypatch):
    monkeypatch.setattr(
        wraps,
        "WRAPPED",
        {
            "django.contrib.auth.no_such_function": "request",
            "django.contrib.auth.forms.NoSuchForm.clean": "self",
            "django.no_such_module.function": "request",
        },
    )

    assert list(wrapped.misfits()) == list(wraps.WRAPPED)


def test_a_function_with_another_signature_is_reported(monkeypatch):
    path = "django.contrib.auth.forms.AuthenticationForm.full_clean"
    monkeypatch.setitem(wraps.WRAPPED, path, "self, strictly")

    assert list(wrapped.misfits()) == [path]


def test_a_wrap_is_put_in_place_once():
    before = wrapped_functions()

    wraps.follow_backends()
    wraps.follow_commands()
    wraps.on_csrf_rejection(lambda request, reason: None)

    assert wrapped_functions() == before


class Peppered(AbstractBaseUser):
    """A project's own user model, whose passwords take a pepper."""

    class Meta:
        abstract = True

    def check_password(self, raw_password, pepper=""):
        return raw_password + pepper


def test_a_user_model_s_own_check_of_passwords_keeps_its_arguments():
    wraps.follow_hash_upgrades(Peppered)

    assert Peppered.check_password(object(), "salt and ", pepper="pepper") == "salt and pepper"


WITHOUT_A_FUNCTION = """
import sys
import django
from django.conf import settings
from django.middleware.csrf import CsrfViewMiddleware
del CsrfViewMiddleware._reject
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_authaudit"],
    MIDDLEWARE=["django_authaudit.middleware.AuditMiddleware"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    AUTHAUDIT_SPOOL_DIR=sys.argv[1],
    USE_TZ=True,
)
django.setup()
from django.core.management import call_command
call_command("check")
"""


def test_a_site_starts_and_is_told_where_a_function_of_django_is_gone(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_A_FUNCTION, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "(django_authaudit.W010) django.middleware.csrf.CsrfViewMiddleware._rej" in done.stderr

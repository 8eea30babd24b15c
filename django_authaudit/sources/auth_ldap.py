"""django-auth-ldap: what the directory says of a login that fails, and when it says nothing."""

from __future__ import annotations

from contextvars import ContextVar
from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from django_authaudit import events, lookups, recorder, wraps
from django_authaudit.mechanisms import calls, login_failures
from django_authaudit.sources import base

_PACKAGE = "django_auth_ldap"
_DOWN = "directory_error"
# The later one says more, where several directories are asked.
_RANK = ("", "invalid_password", "not_permitted", _DOWN)


class _Answer:
    """What the directories have said of one ``authenticate()``."""

    def __init__(self, attempt: wraps.Attempt) -> None:
        self.attempt = attempt
        self.reason = ""
        self.exception = ""


_answer: ContextVar[_Answer | None] = ContextVar("django_authaudit.auth_ldap", default=None)


class Source(base.Source):
    """Its one signal, and what decides in its backend about a login."""

    requires = _PACKAGE
    records = (events.LOGIN_FAILURE, events.SSO_FAILURE)
    blind = (
        "A directory that fails while permissions are looked up, and why a backend refuses "
        "that overrides authenticate_ldap_user()."
    )

    @property
    def available(self) -> bool:
        """Whether a backend of the package is in AUTHENTICATION_BACKENDS; it is no app."""
        return find_spec(_PACKAGE) is not None and any(
            _is_of_the_package(path) for path in settings.AUTHENTICATION_BACKENDS
        )

    def connect(self) -> None:
        """Connect the signals and watch the backend (django_auth_ldap/backend.py, `_LDAPUser`)."""
        from django.contrib.auth.signals import user_logged_in, user_login_failed
        from django_auth_ldap.backend import ldap_error

        user = f"{_PACKAGE}.backend._LDAPUser"
        calls.watch(f"{user}._authenticate_user_dn", on_password_checked)
        calls.watch(f"{user}._check_requirements", on_permission_checked)
        calls.watch(f"{user}._get_or_create_user", on_permission_checked)
        self.listen(ldap_error, on_ldap_error)
        self.listen(user_login_failed, on_user_login_failed)
        self.listen(user_logged_in, on_user_logged_in)


def _is_of_the_package(path: str) -> bool:
    try:
        backend = import_string(path)
    except ImportError:
        return False
    return any(kind.__module__.startswith(f"{_PACKAGE}.") for kind in backend.__mro__)


def on_password_checked(call: calls.Call) -> None:
    """Remember that the password was wrong; of an unknown name there is nothing to add."""
    ldap_user = call.facts["self"]
    if _is_refusal(call) and ldap_user._user_dn is not None:
        _remember(ldap_user._request, "invalid_password")


def on_permission_checked(call: calls.Call) -> None:
    """Remember that the password was right, and the account may not sign in for its groups."""
    if _is_refusal(call):
        _remember(call.facts["self"]._request, "not_permitted")


def on_ldap_error(request: Any = None, exception: Any = None, **kwargs: Any) -> None:
    """Remember that the directory gave no answer; of no login, it is forgotten."""
    _remember(request, _DOWN, type(exception).__name__)


def on_user_login_failed(credentials: Any = None, request: Any = None, **kwargs: Any) -> None:
    """Record the failed login with the directory's reason, which the database cannot know.

    Heard before the source of Django's own signals, whose name comes later in the alphabet.
    """
    found = _take(request)
    if found is None or found.attempt.noted:
        return
    found.attempt.noted = True
    name, email = lookups.identifier(credentials or {})
    recorder.note(
        events.LOGIN_FAILURE,
        request=request,
        username=name,
        email=email,
        metadata=_metadata(found),
        explain=login_failures.explain,
    )


def on_user_logged_in(request: Any = None, user: Any = None, **kwargs: Any) -> None:
    """Record that another backend has let in whom the directory should have been asked about."""
    found = _take(request)
    if found is not None and found.reason == _DOWN:
        recorder.note(events.SSO_FAILURE, request=request, user=user, metadata=_metadata(found))


def _is_refusal(call: calls.Call) -> bool:
    return type(call.error).__name__ == "AuthenticationFailed"


def _remember(request: Any, reason: str, exception: str = "") -> None:
    attempt = wraps.current_attempt(request)
    found = _answer.get()
    if found is None or found.attempt is not attempt:
        found = _Answer(attempt)
        _answer.set(found)
    if _RANK.index(reason) > _RANK.index(found.reason):
        found.reason, found.exception = reason, exception


def _take(request: Any) -> _Answer | None:
    """Return what is remembered of the ``authenticate()`` of `request`, once."""
    found = _answer.get()
    _answer.set(None)
    same = found is not None and found.attempt is wraps.current_attempt(request)
    return found if same else None


def _metadata(found: _Answer) -> dict[str, str]:
    facts = {"via": "auth_ldap", "reason": found.reason, "exception": found.exception}
    return {key: value for key, value in facts.items() if value}

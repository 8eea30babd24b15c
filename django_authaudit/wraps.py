"""All that is wrapped of Django, for what no public hook shows.

Each wrap keeps the signature and the attributes of what it wraps (``functools.wraps``), calls it
first and unconditionally, and hands what it saw to a source's callback, which is guarded.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import django.contrib.auth
from django.db.transaction import Atomic

from django_authaudit.guard import guard

WRAPPED: dict[str, str] = {
    "django.contrib.auth._get_compatible_backends": "request, **credentials",
    "django.contrib.auth.base_user.AbstractBaseUser.check_password": "self, raw_password",
    "django.contrib.auth.base_user.AbstractBaseUser.acheck_password": "self, raw_password",
    "django.contrib.auth.forms.AuthenticationForm.full_clean": "self",
    "django.contrib.auth.forms.PasswordChangeForm.full_clean": "self",
    "django.contrib.auth.forms.PasswordResetForm.get_users": "self, email",
    "django.contrib.auth.forms.PasswordResetForm.save": (
        "self, domain_override, subject_template_name, email_template_name, use_https, "
        "token_generator, from_email, request, html_email_template_name, extra_email_context"
    ),
    "django.core.handlers.exception.response_for_exception": "request, exc",
    "django.core.management.base.BaseCommand.execute": "self, *args, **options",
    "django.db.models.query.QuerySet.update": "self, **kwargs",
    "django.db.transaction.Atomic.__exit__": "self, exc_type, exc_value, traceback",
    "django.middleware.csrf.CsrfViewMiddleware._reject": "self, request, reason",
}
"""What is wrapped, with its parameters (Django 5.2, 6.0 and 6.1); a system check compares."""


class Attempt:
    """One call of ``authenticate()``."""

    def __init__(self, request: Any = None) -> None:
        self.refused_by = ""
        """Path of the backend that ended it by PermissionDenied."""
        self.noted = False
        """Whether its failure is recorded."""
        self.over = False
        """Whether its own signal has come."""
        # A thread outlives its requests, and must not keep the last one alive.
        try:
            self._request: Callable[[], Any] = weakref.ref(request)
        except TypeError:
            self._request = lambda: None

    def is_for(self, request: Any) -> bool:
        """Return whether it was called with `request`."""
        return self._request() is request


_upgrading_hash: ContextVar[bool] = ContextVar("django_authaudit.upgrading_hash", default=False)
_attempt: ContextVar[Attempt | None] = ContextVar("django_authaudit.attempt", default=None)
_command: ContextVar[str] = ContextVar("django_authaudit.command", default="")
_HOSTS = frozenset({"runserver", "shell", "shell_plus", "test", "testserver"})
"""Commands that only run what others wrote."""


def _replace(owner: Any, name: str, make: Callable[[Any], Any], by: Any = None) -> None:
    """Put ``make(original)`` in the place of ``owner.name``, once there and once `by` a parent."""
    original = getattr(owner, name, None)
    known = getattr(original, "_authaudit_wrap", ())
    # Where Django has it no longer, a system check says so.
    if original is None or hasattr(vars(owner).get(name), "_authaudit_wrap") or by in known:
        return
    wrapper = functools.wraps(original)(make(original))
    wrapper.__dict__["_authaudit_wrap"] = (*known, by)
    setattr(owner, name, wrapper)


def follow_backends() -> None:
    """Know one authentication from the next, and which backend ended it by PermissionDenied.

    ``authenticate()`` tells only that it failed. It leaves its loop over this generator early
    then, and the generator notices (django/contrib/auth/__init__.py, `authenticate`).
    """

    def make(original: Any) -> Any:
        def _get_compatible_backends(request: Any, **credentials: Any) -> Iterator[Any]:
            attempt = Attempt(request)
            _attempt.set(attempt)
            path = ""
            try:
                for backend, path in original(request, **credentials):
                    yield backend, path
            except GeneratorExit:
                attempt.refused_by = path
                raise

        return _get_compatible_backends

    _replace(django.contrib.auth, "_get_compatible_backends", make)


def current_attempt(request: Any) -> Attempt:
    """Return the authentication of `request` under way or just failed; a new one for none."""
    attempt = _attempt.get()
    if attempt is None or not attempt.is_for(request):
        attempt = Attempt(request)
        _attempt.set(attempt)
    return attempt


def after_cleaning(form_class: Any, callback: Callable[[Any], None]) -> None:
    """Call ``callback(form)`` after each validation of a form of `form_class`.

    A right password that ``confirm_login_allowed()`` or a captcha then refuses sends no signal,
    nor does a wrong old password (django/contrib/auth/forms.py, django/forms/forms.py).
    """

    def make(original: Any) -> Any:
        def full_clean(self: Any) -> None:
            original(self)
            with guard(f"looking at {type(self).__qualname__}"):
                callback(self)

        return full_clean

    _replace(form_class, "full_clean", make, callback)


def around_reset_request(form_class: Any, callback: Callable[..., None]) -> None:
    """Call ``callback(email, users, request, completed)`` after each ``PasswordResetForm.save()``.

    No signal tells of a request (django/contrib/auth/forms.py, `PasswordResetForm.save`). What
    `get_users()` found is seen by shadowing it on the instance, whichever class defines it.
    """

    def make(original: Any) -> Any:
        def save(self: Any, *args: Any, **kwargs: Any) -> Any:
            users: list[Any] = []
            get_users = self.get_users

            def seen(email: str) -> Any:
                users.extend(get_users(email))
                return iter(users)

            self.get_users = seen
            completed = False
            try:
                result = original(self, *args, **kwargs)
                completed = True
                return result
            finally:
                del self.get_users
                with guard("recording a request for a password reset"):
                    email = self.cleaned_data.get("email") or ""
                    callback(email, users, kwargs.get("request"), completed)

        return save

    _replace(form_class, "save", make)


def follow_hash_upgrades(user_model: Any) -> None:
    """Know when a password is stored anew only because its hash was out of date.

    ``check_password()`` does so at login (django/contrib/auth/base_user.py), and after each
    upgrade of Django once for every account.
    """

    def make(original: Any) -> Any:
        def check_password(self: Any, *args: Any, **kwargs: Any) -> Any:
            token = _upgrading_hash.set(True)
            try:
                return original(self, *args, **kwargs)
            finally:
                _upgrading_hash.reset(token)

        return check_password

    def make_async(original: Any) -> Any:
        async def acheck_password(self: Any, *args: Any, **kwargs: Any) -> Any:
            token = _upgrading_hash.set(True)
            try:
                return await original(self, *args, **kwargs)
            finally:
                _upgrading_hash.reset(token)

        return acheck_password

    for owner in user_model.__mro__:
        for name, wrap in (("check_password", make), ("acheck_password", make_async)):
            if name in owner.__dict__:
                _replace(owner, name, wrap)


def upgrading_hash() -> bool:
    """Return whether a password check is storing the same password anew."""
    return _upgrading_hash.get()


def follow_commands() -> None:
    """Know which management command is running: whoever runs it signs in nowhere
    (django/core/management/base.py, `BaseCommand.execute`)."""
    from django.core.management.base import BaseCommand

    def make(original: Any) -> Any:
        def execute(self: Any, *args: Any, **options: Any) -> Any:
            name = type(self).__module__.rpartition(".")[2]
            token = _command.set("" if name in _HOSTS else name)
            try:
                return original(self, *args, **options)
            finally:
                _command.reset(token)

        return execute

    _replace(BaseCommand, "execute", make)


def running_command() -> str:
    """Return the name of the management command under way, or nothing."""
    return _command.get()


def on_exception(callback: Callable[[Any, BaseException], None]) -> None:
    """Call ``callback(request, exception)`` for what Django turns into a response.

    `process_exception` sees what views raise, not what middleware and `get_host()` do
    (django/core/handlers/exception.py, `convert_exception_to_response`).
    """
    import django.core.handlers.exception as handlers

    def make(original: Any) -> Any:
        def response_for_exception(request: Any, exc: Any) -> Any:
            with guard("looking at an exception"):
                callback(request, exc)
            return original(request, exc)

        return response_for_exception

    _replace(handlers, "response_for_exception", make)


def on_csrf_rejection(callback: Callable[[Any, str], None]) -> None:
    """Call ``callback(request, reason)`` for each request that the CSRF check rejects.

    The reason is otherwise only in a log message (django/middleware/csrf.py, `_reject`).
    """
    from django.middleware.csrf import CsrfViewMiddleware

    def make(original: Any) -> Any:
        def _reject(self: Any, request: Any, reason: Any) -> Any:
            with guard("recording a CSRF rejection"):
                callback(request, str(reason))
            return original(self, request, reason)

        return _reject

    _replace(CsrfViewMiddleware, "_reject", make)


def around_updates(before: Callable[..., Any], after: Callable[..., None]) -> None:
    """Call ``before(queryset, values)``, and ``after(queryset, found)`` if that found anything.

    ``QuerySet.update()``, which `bulk_update()` ends in, sends no signal
    (django/db/models/query.py, `QuerySet.update`).
    """
    from django.db.models.query import QuerySet

    def make(original: Any) -> Any:
        def update(self: Any, **kwargs: Any) -> Any:
            found = None
            with guard("looking at rows before an update"):
                found = before(self, kwargs)
            rows = original(self, **kwargs)
            if found:
                with guard("looking at rows after an update"):
                    after(self, found)
            return rows

        return update

    _replace(QuerySet, "update", make)


def after_blocks(callback: Callable[[], None]) -> None:
    """Call ``callback()`` whenever an ``atomic()`` block has ended: no signal tells of a rollback
    (django/db/transaction.py, `Atomic.__exit__`)."""

    def make(original: Any) -> Any:
        def leave(self: Any, *args: Any) -> None:
            try:
                original(self, *args)
            finally:
                callback()

        return leave

    _replace(Atomic, "__exit__", make)

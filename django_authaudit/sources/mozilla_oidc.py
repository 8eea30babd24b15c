"""mozilla-django-oidc: sign-ins that fail at the provider, on the way back or at the claims."""

from __future__ import annotations

import re
from traceback import walk_tb
from types import TracebackType
from typing import Any

from django.core.exceptions import PermissionDenied

from django_authaudit import context, events, observers, recorder, wraps
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls
from django_authaudit.sources import base

_STATE = "_authaudit_oidc"
_CODE = re.compile(r"[a-z_]{1,50}")
# What was being done when an error was raised, the deepest first.
_STAGES = {
    "get_userinfo": "userinfo",
    "verify_token": "invalid_token",
    "get_token": "token_request",
    "authenticate": "error",
    "get": "state_mismatch",
}
# The package's own words, of which two mean what no name of a function tells.
_REASONS = {
    "JWT Nonce verification failed.": "nonce_mismatch",
    "Claims verification failed": "claims",
    "Multiple users returned": "ambiguous_user",
}


class Source(base.Source):
    """Its callback, which is wrapped: it sends no signal, or one that names nobody."""

    requires = "mozilla_django_oidc"
    records = (events.SSO_FAILURE,)
    blind = (
        "A sign-in that is begun and never comes back from the provider, and the backend "
        "where a view of the project's own calls it."
    )

    def connect(self) -> None:
        """Wrap the view, and watch the backend (mozilla_django_oidc/views.py, auth.py)."""
        from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

        backend = "mozilla_django_oidc.auth.OIDCAuthenticationBackend"
        calls.replace(OIDCAuthenticationCallbackView, "get", _around_callback)
        calls.watch(f"{backend}.authenticate", on_authenticated)
        calls.watch(f"{backend}.get_or_create_user", on_user_sought)
        observers.on_response(on_response)


def _around_callback(original: Any) -> Any:
    def get(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        with _Callback(self, request):
            return original(self, request, *args, **kwargs)

    return get


class _Callback:
    """One return from the provider."""

    def __init__(self, view: Any, request: Any) -> None:
        self.view, self.request = view, request

    def __enter__(self) -> None:
        with guard("looking at a return from a provider"):
            self.request.__dict__[_STATE] = {}
            error = self.request.GET.get("error")
            if error:
                # Before the view, which signs out who was signed in.
                _note(self.request, error if _CODE.fullmatch(error) else "error")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with guard("looking at what came of a return from a provider"):
            if error is not None:
                # Never its text, in which the answer of the provider stands.
                _note(self.request, _reason(error), exception=type(error).__name__)
            elif not self.request.GET.get("error"):
                self._look_at_user()

    def _look_at_user(self) -> None:
        request, found = self.request, self.view.__dict__
        user = found.get("user")
        if user is not None:
            if not user.is_active:
                _note(request, "inactive", user)
        elif "user" in found:
            _note(request, request.__dict__[_STATE].get("reason", "refused"))
        elif "code" in request.GET and "state" in request.GET:
            _note(request, "session_missing")
        else:
            _note(request, "malformed")


def on_authenticated(call: calls.Call) -> None:
    """Leave it to the callback to tell: Django's signal would be of a failed login of nobody."""
    request = call.facts.get("request")
    refused = isinstance(call.error, PermissionDenied)
    if _state_of(request) is not None and (refused or not (call.error or call.result)):
        wraps.current_attempt(request).noted = True


def on_user_sought(call: calls.Call) -> None:
    """Remember why there was no account; the backend keeps it to itself."""
    state = _state_of(getattr(call.facts["self"], "request", None))
    if state is not None and not call.result:
        state["reason"] = (
            _REASONS.get(str(call.error), "refused") if call.error else "unknown_user"
        )


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Take for no refusal that a script is told to have its session refreshed.

    The package's middleware says so by a status that refuses (middleware.py, `SessionRefresh`).
    """
    scope = context.current()
    if scope is not None and getattr(response, "headers", {}).get("refresh_url"):
        scope.refused = True


def _state_of(request: Any) -> dict[str, str] | None:
    """Return what the callback under way remembers, or None outside of one."""
    found: dict[str, str] | None = getattr(request, "__dict__", {}).get(_STATE)
    return found


def _reason(error: BaseException) -> str:
    known = _REASONS.get(str(error))
    if known is not None:
        return known
    names = {frame.f_code.co_name for frame, _ in walk_tb(error.__traceback__)}
    return next(reason for name, reason in _STAGES.items() if name in names)


def _note(request: Any, reason: str, user: Any = None, **facts: str) -> None:
    recorder.note(
        events.SSO_FAILURE,
        request=request,
        user=user or context.UNKNOWN,
        metadata={"via": "mozilla_oidc", "reason": reason, **facts},
    )

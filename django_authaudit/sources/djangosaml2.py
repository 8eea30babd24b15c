"""djangosaml2: sign-ins that fail at the identity provider, at the assertion or at the account."""

from __future__ import annotations

from contextvars import ContextVar
from types import TracebackType
from typing import Any

from django.contrib.auth import get_backends

from django_authaudit import context, events, recorder, wraps
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls
from django_authaudit.sources import base

# What is meant by the exceptions of pysaml2 that the package catches (djangosaml2/views.py).
_REASONS = {
    "StatusAuthnFailed": "authn_failed",
    "StatusRequestDenied": "request_denied",
    "StatusNoAuthnContext": "no_authn_context",
    "StatusError": "status_error",
    "SignatureError": "invalid_signature",
    "MissingKey": "invalid_signature",
    "UnsolicitedResponse": "unsolicited",
    "ResponseLifetimeExceed": "expired",
    "ToEarly": "too_early",
    "RequestVersionTooLow": "version",
    "SuspiciousOperation": "invalid_response",
    "PermissionDenied": "refused",
}


class _Return:
    """One return from the identity provider."""

    def __init__(self, view: Any, request: Any) -> None:
        self.view, self.request = view, request
        self.reason = ""
        self.user: Any = None

    def __enter__(self) -> None:
        self.token = _return.set(self)
        with guard("looking at a return from an identity provider"):
            # These are there to be overridden, and few call what they override.
            calls.watch_in(self.view, "handle_acs_failure", on_failure)
            _watch_backends()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _return.reset(self.token)
        with guard("looking at what came of a return from an identity provider"):
            if error is not None:
                _note(self.request, "error", exception=type(error).__name__)
            elif "SAMLResponse" not in self.request.POST:
                _note(self.request, "malformed")


_return: ContextVar[_Return | None] = ContextVar("django_authaudit.djangosaml2", default=None)


class Source(base.Source):
    """Its view for assertions, which is wrapped: its own signals are never sent."""

    requires = "djangosaml2"
    records = (events.SSO_FAILURE,)
    blind = (
        "A sign-in that is begun and never comes back from the provider, why a backend of the "
        "project's own refuses, and a single logout that fails."
    )

    def connect(self) -> None:
        """Wrap the view, and watch what it and the backend decide."""
        from django.contrib.auth.signals import user_login_failed
        from djangosaml2.views import AssertionConsumerServiceView

        calls.replace(AssertionConsumerServiceView, "post", _around_return)
        calls.watch("djangosaml2.views.LoginView.unknown_idp", on_unknown_provider)
        self.listen(user_login_failed, on_user_login_failed)


def _around_return(original: Any) -> Any:
    def post(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        with _Return(self, request):
            return original(self, request, *args, **kwargs)

    return post


def _watch_backends() -> None:
    from djangosaml2.backends import Saml2Backend

    for backend in get_backends():
        if isinstance(backend, Saml2Backend):
            calls.watch_in(type(backend), "is_authorized", on_authorization)
            calls.watch_in(type(backend), "get_or_create_user", on_user_sought)
            calls.watch_in(type(backend), "user_can_authenticate", on_user_checked)


def on_failure(call: calls.Call) -> None:
    """Record why the view lets nobody in."""
    found = _return.get()
    request, error = call.facts["request"], call.facts.get("exception")
    names = [kind.__name__ for kind in type(error).__mro__]
    reason = next((_REASONS[name] for name in names if name in _REASONS), "error")
    facts = {"exception": names[0]} if reason != "refused" else {}
    # Said by an assertion whose signature was good.
    provider = (call.facts.get("session_info") or {}).get("issuer")
    if provider:
        facts["provider"] = str(provider)
    if found is not None and reason == "refused":
        _note(request, found.reason or reason, found.user, **facts)
    else:
        _note(request, reason, **facts)


def on_unknown_provider(call: calls.Call) -> None:
    """Record that somebody wants to be sent to a provider that is none."""
    _note(call.facts["request"], "unknown_provider")


def on_authorization(call: calls.Call) -> None:
    """Remember that the assertion gives no right to sign in."""
    _remember("not_authorized", unless=call.result)


def on_user_sought(call: calls.Call) -> None:
    """Remember that there is no such account, and none is made."""
    _remember("unknown_user", unless=call.result and call.result[0])


def on_user_checked(call: calls.Call) -> None:
    """Remember that the account is not active."""
    user = call.facts.get("user")
    if user is not None:
        _remember("inactive", unless=call.result, user=user)


def on_user_login_failed(request: Any = None, **kwargs: Any) -> None:
    """Leave it to the view to tell: this would be a failed login of nobody.

    Heard before the source of Django's own signals, whose name comes later in the alphabet.
    """
    if _return.get() is not None:
        wraps.current_attempt(request).noted = True


def _remember(reason: str, *, unless: Any, user: Any = None) -> None:
    found = _return.get()
    if found is not None and not unless:
        found.reason, found.user = reason, user


def _note(request: Any, reason: str, user: Any = None, **facts: str) -> None:
    recorder.note(
        events.SSO_FAILURE,
        request=request,
        user=user or context.UNKNOWN,
        metadata={"via": "djangosaml2", "reason": reason, **facts},
    )

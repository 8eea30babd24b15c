"""Requests that django-ratelimit refuses."""

from __future__ import annotations

from typing import Any

from django_authaudit import context, events, observers, recorder
from django_authaudit.mechanisms import calls
from django_authaudit.sources import base

_VIA = "ratelimit"
_REFUSED = frozenset({403, 429})


class Source(base.Source):
    """Its exception, which Django takes for a want of permission, and its mark on the request."""

    requires = "django_ratelimit"
    records = (events.RATE_LIMITED,)
    by_response = records
    blind = (
        "A limit that a view asks for without the decorator, and one that it lets pass or answers "
        "with another status than 403 or 429."
    )

    def connect(self) -> None:
        """Register as an observer, and see what the package's middleware answers itself."""
        # Before the source `refusals`, which then knows that the request is recorded: sources are
        # connected in the order of their names.
        observers.on_response(on_response, _may_be_limited)
        calls.watch("django_ratelimit.middleware.RatelimitMiddleware.process_exception", on_caught)


def on_caught(call: calls.Call) -> None:
    """Record a refusal that becomes a response of the project's own, of whatever status."""
    from django_ratelimit.exceptions import Ratelimited

    if isinstance(call.facts["exception"], Ratelimited):
        _note(call.facts["request"])


def _may_be_limited(request: Any, response: Any, exception: BaseException | None) -> bool:
    return exception is not None or getattr(response, "status_code", 0) in _REFUSED


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Record a refusal, unless the request has recorded what it was refused for."""
    from django_ratelimit.exceptions import Ratelimited

    refused = getattr(response, "status_code", 0) in _REFUSED
    if isinstance(exception, Ratelimited) or (refused and _is_limited(request, response)):
        _note(request)


def _is_limited(request: Any, response: Any) -> bool:
    """Return whether the package has marked the request, or that of Django REST framework."""
    rendered_for = getattr(response, "renderer_context", None) or {}
    requests = (request, rendered_for.get("request"))
    return any(getattr(found, "__dict__", {}).get("limited") for found in requests)


def _note(request: Any) -> None:
    scope = context.current()
    if scope is not None and scope.refused:
        return
    view = context.view_name(context.underlying(request))
    metadata = {"via": _VIA, "view": view} if view else {"via": _VIA}
    recorder.note(events.RATE_LIMITED, request=request, user=context.UNKNOWN, metadata=metadata)

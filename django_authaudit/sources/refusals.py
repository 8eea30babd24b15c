"""Refused requests: 403, 401, 429, CSRF, suspicious ones, and those sent back to the login."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import DisallowedHost, PermissionDenied, SuspiciousOperation
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve

from django_authaudit import context, events, observers, recorder, wraps
from django_authaudit.drafts import Draft, Explain
from django_authaudit.sources import base

_BY_STATUS = {
    401: events.UNAUTHENTICATED,
    403: events.FORBIDDEN,
    429: events.RATE_LIMITED,
}
# The codes of Django REST framework's exceptions: its 403 is not always a refused permission.
_BY_CODE = {
    "not_authenticated": events.UNAUTHENTICATED,
    "authentication_failed": events.TOKEN_FAILURE,
    "token_not_valid": events.TOKEN_FAILURE,
    "permission_denied": events.FORBIDDEN,
    "throttled": events.RATE_LIMITED,
}
_STATUSES = frozenset({302, *_BY_STATUS})
_DRF_CSRF = "CSRF Failed: "


class Source(base.Source):
    """Looks at each response, and at the exceptions that become one."""

    records = (
        events.FORBIDDEN,
        events.UNAUTHENTICATED,
        events.CSRF_REJECTED,
        events.RATE_LIMITED,
        events.SUSPICIOUS_REQUEST,
    )
    by_response = tuple(code for code in records if code != events.CSRF_REJECTED)
    blind = (
        "What never becomes a response: a stream that ends early, an exception that a "
        "view swallows, and middleware outside AuditMiddleware."
    )

    def connect(self) -> None:
        """Register as an observer and wrap what no hook shows."""
        observers.on_response(on_response, _may_be_refused)
        wraps.on_exception(on_exception)
        wraps.on_csrf_rejection(on_csrf_rejection)


def on_exception(request: Any, exception: BaseException) -> None:
    """Remember what the response is made of."""
    context.note_exception(exception)


def on_csrf_rejection(request: Any, reason: str) -> None:
    """Record a CSRF rejection with Django's reason."""
    _note(events.CSRF_REJECTED, request, {"reason": _without_referer(reason)})


def _without_referer(reason: str) -> str:
    """Return Django's reason with no more than the origin of the URL that it quotes (CWE-598)."""
    from django.middleware.csrf import REASON_BAD_REFERER

    before, after = REASON_BAD_REFERER.split("%s")
    if not (reason.startswith(before) and reason.endswith(after)):
        return reason
    referer = urlsplit(reason[len(before) : -len(after)])
    host = referer.netloc.rpartition("@")[2]
    return REASON_BAD_REFERER % f"{referer.scheme}://{host}"


def _may_be_refused(request: Any, response: Any, exception: BaseException | None) -> bool:
    return exception is not None or getattr(response, "status_code", 0) in _STATUSES


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Record a refusal, unless the request has recorded what it was refused for."""
    status = getattr(response, "status_code", None)
    if isinstance(exception, (PermissionDenied, SuspiciousOperation)):
        _refused(_event_of(exception), request, {"exception": type(exception).__name__})
    elif status == 302:
        _look_at_redirect(request, response)
    elif status in _BY_STATUS:
        _look_at_refusal(request, response)


def _event_of(exception: BaseException) -> str:
    if isinstance(exception, PermissionDenied):
        return events.FORBIDDEN
    return events.SUSPICIOUS_REQUEST


def _look_at_refusal(request: Any, response: Any) -> None:
    detail = _detail(response)
    code = str(getattr(detail, "code", ""))
    if str(detail).startswith(_DRF_CSRF):
        reason = _without_referer(str(detail)[len(_DRF_CSRF) :])
        _refused(events.CSRF_REJECTED, request, {"reason": reason})
        return
    event = _BY_CODE.get(code, _BY_STATUS[response.status_code])
    _refused(event, request, {"code": code} if code else {})


def _detail(response: Any) -> Any:
    """Return the error detail of a response by Django REST framework, if it is one."""
    data = getattr(response, "data", None)
    is_error = getattr(response, "exception", False) and isinstance(data, dict)
    return data.get("detail") if is_error and data is not None else None


def _refused(
    event: str, request: Any, metadata: dict[str, Any], explain: Explain | None = None
) -> None:
    scope = context.current()
    if scope is not None and not scope.refused:
        _note(event, request, metadata, explain)


def _note(
    event: str, request: Any, metadata: dict[str, Any], explain: Explain | None = None
) -> None:
    view = context.view_name(context.underlying(request))
    facts = {**metadata, "view": view} if view else metadata
    recorder.note(event, request=request, user=context.UNKNOWN, metadata=facts, explain=explain)


def _look_at_redirect(request: Any, response: Any) -> None:
    """Record that a signed-in user was sent to the login page for want of a permission."""
    location = response.headers.get("Location", "")
    if f"{REDIRECT_FIELD_NAME}=" not in location:
        return
    target = urlsplit(location)
    wanted = parse_qs(target.query).get(REDIRECT_FIELD_NAME, [""])[0]
    if wanted in _addresses(request) and _is_login(target.path):
        _refused(events.FORBIDDEN, request, {"via": "redirect"}, _drop_unless_signed_in)


def _addresses(request: Any) -> Iterator[str]:
    """Yield what the page is called, within its host and without."""
    yield request.get_full_path()
    with suppress(DisallowedHost):
        yield request.build_absolute_uri()


def _is_login(path: str) -> bool:
    from django.contrib.auth.views import LoginView

    try:
        if path == urlsplit(resolve_url(settings.LOGIN_URL)).path:
            return True
        match = resolve(path)
    except (NoReverseMatch, Resolver404):
        return False
    view = getattr(match.func, "view_class", None)
    is_view = view is not None and issubclass(view, LoginView)
    return (
        is_view
        or match.view_name.endswith(("admin:login", ":login"))
        or match.view_name == "login"
    )


def _drop_unless_signed_in(draft: Draft) -> bool:
    return not draft.of_nobody()

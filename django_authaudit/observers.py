"""Sources register here to be shown each response; the middleware shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_authaudit.guard import guarded

Observer = Callable[[HttpRequest, HttpResponseBase | None, BaseException | None], None]
Concerns = Callable[[Any, Any, BaseException | None], bool]


def _everything(request: Any, response: Any, exception: BaseException | None) -> bool:
    return True


_observers: list[tuple[Concerns, Observer]] = []


def on_response(observer: Observer, concerns: Concerns = _everything) -> None:
    """Have `observer(request, response, exception)` called in a guard for what concerns it.

    `concerns`, called with the same for every response, is all that a request pays in which
    nothing happens: it must be cheap and never raise. The observer is called in the event loop of
    an async request, so it must not query. `response` is None when the request ended without one;
    `exception` is what the response was made of.
    """
    if not any(getattr(known, "__wrapped__", None) is observer for _, known in _observers):
        _observers.append((concerns, guarded(observer)))


def show(request: Any, response: Any, exception: BaseException | None) -> None:
    """Show one response to the observers that it concerns."""
    for concerns, observer in _observers:
        if concerns(request, response, exception):
            observer(request, response, exception)

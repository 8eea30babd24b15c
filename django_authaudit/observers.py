"""Sources register here to be shown each response; the middleware shows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from django_authaudit.guard import guarded

Observer = Callable[[HttpRequest, HttpResponseBase | None, BaseException | None], None]

_observers: list[Callable[..., None]] = []


def on_response(observer: Observer) -> None:
    """Have `observer(request, response, exception)` called for each response, in a guard.

    It is called in the event loop of an async request, so it must not query; `response` is None
    when the request ended without one. `exception` is what the response was made of.
    """
    if not any(getattr(known, "__wrapped__", None) is observer for known in _observers):
        _observers.append(guarded(observer))


def show(request: Any, response: Any, exception: BaseException | None) -> None:
    """Show one response to all observers."""
    for observer in _observers:
        observer(request, response, exception)

"""The line in ``MIDDLEWARE``, first of all: it opens and flushes the request's context."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest

from django_authaudit import context, observers, recorder


class AuditMiddleware:
    """Records what only the response shows, and makes the request's entries durable.

    Both in ``finally``, after the view's transaction has ended: also when a worker is told to
    exit, and when the client of an async request has gone.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer `request`; the response leaves when its entries are durable."""
        if _is_inside(request):
            # It stands in MIDDLEWARE twice; one response shown twice would be two refusals.
            return self.get_response(request)
        if self.is_async:
            return self._answer_async(request)
        scope = context.enter(request)
        response = None
        try:
            response = self.get_response(request)
        finally:
            if _has_recorded(scope, response):
                recorder.flush(scope)
            context.leave(scope)
        return response

    async def _answer_async(self, request: HttpRequest) -> Any:
        scope = context.enter(request)
        response = None
        try:
            get_response: Callable[[HttpRequest], Awaitable[Any]] = self.get_response
            response = await get_response(request)
        finally:
            if _has_recorded(scope, response):
                # Shielded: the task is cancelled when the client disconnects.
                await asyncio.shield(sync_to_async(recorder.flush)(scope))
            context.leave(scope)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        """Remember what the view raised; Django makes a response of it."""
        context.note_exception(exception)


def _is_inside(request: HttpRequest) -> bool:
    scope = context.current()
    return scope is not None and scope.request is request


def _has_recorded(scope: context.RequestContext, response: Any) -> bool:
    """Show the response to the observers; return whether there is anything to flush."""
    observers.show(scope.request, response, scope.exception)
    scope.response = response
    # A task that outlives the request must not append to what nobody will flush.
    scope.open = False
    return bool(scope.pending)

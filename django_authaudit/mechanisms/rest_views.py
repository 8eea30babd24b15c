"""Watch views of Django REST framework, for the sources of packages that are made of them.

Neither `user`, `auth` nor `data` of the framework's request is read: they authenticate, and parse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404

from django_authaudit.mechanisms import calls, pending

Look = Callable[[Any, Any], None]


def watch(path: str, answered: Look | None = None, failed: Look | None = None) -> None:
    """Call ``answered(view, response)`` or ``failed(view, error)`` after each request.

    The view is of the class at `path`, or of one made from it, whatever that overrides. An error
    is one that the view raised, whether or not the framework makes a response of it.
    """
    if answered is not None:
        calls.watch(f"{path}.finalize_response", partial(_on_finalized, answered))
    if failed is not None:
        calls.watch(f"{path}.handle_exception", partial(_on_exception, failed))


def _on_finalized(answered: Look, call: calls.Call) -> None:
    response = call.facts["response"]
    if not getattr(response, "exception", False):
        answered(call.facts["self"], response)


def _on_exception(failed: Look, call: calls.Call) -> None:
    failed(call.facts["self"], call.facts["exc"])


def typed(view: Any, name: str) -> str:
    """Return what the client has sent as `name`, if the view has looked at it, or nothing."""
    body = getattr(view.request, "__dict__", {}).get("_full_data")
    found = body.get(name) if isinstance(body, Mapping) else ""
    return found if isinstance(found, str) else ""


def codes(error: Any, *fields: str) -> set[str]:
    """Return the codes of what `error` refuses, in `fields` or anywhere."""
    found = error.get_codes() if hasattr(error, "get_codes") else ()
    if fields:
        found = [found.get(name) for name in fields] if isinstance(found, Mapping) else ()
    return set(_flat(found))


def is_defect(error: Any) -> bool:
    """Return whether the view broke, rather than refused."""
    return not hasattr(error, "get_codes") and not isinstance(error, (Http404, PermissionDenied))


def mark(code: str, via: str) -> None:
    """Say through which package an event has come that Django's own signal told of."""
    for draft in pending.drafts(code):
        draft.metadata.setdefault("via", via)


def _flat(found: Any) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif found:
        for item in found.values() if isinstance(found, Mapping) else found:
            yield from _flat(item)

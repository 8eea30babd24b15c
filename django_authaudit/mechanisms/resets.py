"""A password reset is recorded alike, whichever package it goes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest

from django_authaudit import context, events, lookups, recorder
from django_authaudit.drafts import Draft, Explain
from django_authaudit.mechanisms import pending

Completes = Callable[[HttpRequest], bool]

_completing: dict[Completes, dict[str, str]] = {}


def completed_by(completes: Completes, **metadata: str) -> None:
    """Have a new password be a completed reset if ``completes(request)`` says so.

    It is called whenever a request has changed a password; `metadata` is what the entry says.
    """
    _completing[completes] = metadata


def under_way() -> dict[str, str] | None:
    """Return what to say of the reset that the request under way completes, or None."""
    scope = context.current()
    if scope is None:
        return None
    found = (says for completes, says in _completing.items() if completes(scope.request))
    return next(found, None)


def note_requested(request: Any, email: str, via: str = "", *, completed: bool = True) -> None:
    """Record one request, whoever it is for: known and unknown addresses look alike.

    Where a form of Django's was used, that has recorded it; `via` is the package, if it is one.
    """
    metadata = {"via": via} if via else {}
    told = pending.last(events.PASSWORD_RESET_REQUESTED)
    if told is not None:
        told.metadata = {**metadata, **told.metadata}
        return
    recorder.note(
        events.PASSWORD_RESET_REQUESTED,
        request=request,
        email=email,
        outcome=None if completed else events.FAILURE,
        metadata=metadata,
        explain=name_account,
    )


def note_refused(request: Any, via: str, explain: Explain | None = None) -> None:
    """Record a link, or what stands in it, that is bad, expired or used."""
    recorder.note(
        events.PASSWORD_RESET_FAILURE,
        request=request,
        metadata={"reason": "invalid_link", "via": via},
        explain=explain,
    )


def name_account(draft: Draft) -> bool:
    """Name at the flush the account whose address was typed."""
    # A form of the project may take a name in the same field.
    account = lookups.find_or_mask(draft, draft.email, draft.email)
    if account is not None:
        draft.email = ""
        draft.concerns(account)
    return True

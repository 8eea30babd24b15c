"""What the owner of an account is shown of it: plain facts, one's own alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.utils import timezone

from django_authaudit import events
from django_authaudit.entry import time_of
from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet

PAGE = 25
_FAMILIES = ("auth", "account")
_ENDS = (events.LOGOUT, events.SESSION_REVOKED)
_MOST_ENDS = 200
_ADDRESS_SETTLES = timedelta(days=30)
"""Age of a change of the e-mail address after which its owner has missed no letter."""


class Page(NamedTuple):
    """Entries, newest first."""

    entries: list[AuditLog]
    older: UUID | None
    """The entry after which the next page goes on; None on the last one."""
    ended: frozenset[str]
    """References of the sessions on the page that are known to have ended."""


def of(user: Any) -> AuditLogQuerySet:
    """Return the entries about the account `user` that its owner may read, newest first.

    Not those of what `user` did to others: they are about them.
    """
    codes = [event.code for event in events.registered() if event.family in _FAMILIES]
    return AuditLog.objects.for_user(user).filter(event__in=codes).order_by("-id")


def page(user: Any, before: UUID | None = None) -> Page:
    """Return the entries about `user` that are older than the entry `before`."""
    found = of(user)
    if before is not None:
        found = found.filter(id__lt=before)
    entries = list(found[: PAGE + 1])
    older = entries[PAGE - 1].id if len(entries) > PAGE else None
    entries = entries[:PAGE]
    return Page(entries, older, _ended(user, entries))


def has_new_address(user: Any, entry: AuditLog) -> bool:
    """Return whether the e-mail address was changed lately, or since `entry`: maybe by a thief."""
    since = min(time_of(entry.id), timezone.now() - _ADDRESS_SETTLES)
    changes = of(user).of_event(events.ACCOUNT_EMAIL_CHANGED).since(since)
    return changes.filter(outcome=events.SUCCESS).exists()


def _ended(user: Any, entries: list[AuditLog]) -> frozenset[str]:
    """Return the references of the sessions which began among `entries` and have ended since."""
    began = [entry for entry in entries if entry.event == events.LOGIN_SUCCESS]
    refs = {entry.session_ref for entry in began} - {""}
    if not refs:
        return frozenset()
    # None ends before it began: a flood of failures below is not read for it.
    since = of(user).filter(id__gt=began[-1].id)
    ends = since.filter(event__in=_ENDS)[:_MOST_ENDS]
    return frozenset(ref for entry in ends for ref in _ended_by(entry) if ref in refs)


def _ended_by(entry: AuditLog) -> tuple[str, ...]:
    """Return the reference of the session that `entry` says has ended."""
    if entry.event == events.LOGOUT:
        return (entry.session_ref,)
    return (str(entry.metadata.get("session_ref", "")),)

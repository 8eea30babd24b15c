"""What the log knows of one account, name, address, session or request: plain facts, no HTML.

Everything is told from the newest `DEPTH` entries of the subject, read once by its index, so that
an account with millions of entries costs what one with thousands does. What such an account has is
looked for among older changes of roles and factors, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django_authaudit import events
from django_authaudit.entry import time_of
from django_authaudit.models import AuditLog
from django_authaudit.reading import Count, Page, Reader, Selection
from django_authaudit.tracks import FIRST_ID, Span, Track

DEPTH = 5_000
"""Entries that facts are told from."""
MOST_SHOWN = 10
"""Of addresses and the like, those with the most entries."""
MOST_CHANGES = 500
"""Of changes of roles and MFA factors, the newest."""
MOST_LOOKED_THROUGH = 10_000
"""Of changes of either kind, to whomever, where the account has more entries than `DEPTH`."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "account": ("user_id", "actor_id"),
    "name": ("username", "email", "actor_username"),
    "address": ("ip_address",),
    "session": ("session_ref",),
    "request": ("request_id",),
}
"""The kinds of subjects, and the columns that an entry of one has it in.

What was typed for a name may be an e-mail address, and stand in either column.
"""
_ROLES = {events.ROLE_GRANTED: True, events.ROLE_REVOKED: False}
_FACTORS = {events.MFA_ENROLLED: True, events.MFA_REMOVED: False}


class Subject(NamedTuple):
    """What is investigated."""

    kind: str
    """A key of `COLUMNS`."""
    value: Any


class _Outline(NamedTuple):
    """As much of an entry as facts are told from."""

    id: UUID
    event: str
    outcome: str
    user_id: Any
    username: str
    ip_address: str | None
    user_agent: str
    session_ref: str


@dataclass
class Tally:
    """How often something occurs among the entries, and when last."""

    value: Any
    name: str
    last: datetime
    number: int = 0
    failures: int = 0


@dataclass(frozen=True)
class Attempts:
    """How signing in went lately."""

    success: datetime | None
    """When it last succeeded; None: never, as far as was looked."""
    failures: int
    """Failed sign-ins since then."""


@dataclass(frozen=True)
class State:
    """What an account has, by the log: granted or enrolled, and not taken away since."""

    since: datetime
    facts: Mapping[str, Any]
    """The metadata of the entry."""


@dataclass(frozen=True)
class Facts:
    """What the log knows of a subject."""

    count: Count
    first: datetime | None
    last: datetime | None
    looked_at: int
    """The number of entries that the rest is told from, the newest."""
    attempts: Attempts
    accounts: list[Tally]
    addresses: list[Tally]
    agents: list[Tally]
    sessions: list[Tally]
    roles: list[State]
    factors: list[State]


def reader(subject: Subject) -> Reader:
    """Return what reads the entries of `subject`, page by page."""
    tracks = tuple(Track(column, subject.value) for column in COLUMNS[subject.kind])
    return Reader(AuditLog.objects.all(), Selection(tracks=tracks))


def timeline(subject: Subject, size: int, *, before: UUID | None, after: UUID | None) -> Page:
    """Return `size` entries of `subject`, newest first, from where the last page ended."""
    entries = reader(subject)
    if after is not None:
        return entries.after(after, size)
    return entries.newest(size) if before is None else entries.before(before, size)


def facts(subject: Subject) -> Facts:
    """Return what the log knows of `subject`."""
    entries = reader(subject)
    newest, oldest = entries.newest(1).entries, entries.after(FIRST_ID, 1).entries
    outlines = _outlines(subject)
    changes = _changes(subject, outlines) if subject.kind == "account" else []
    return Facts(
        count=entries.count,
        first=oldest[0].created_at if oldest else None,
        last=newest[0].created_at if newest else None,
        looked_at=len(outlines),
        attempts=_attempts(outlines),
        accounts=_tally(((o.user_id, o.username), o.username, o) for o in outlines),
        addresses=_tally((o.ip_address, o.ip_address or "", o) for o in outlines),
        agents=_tally((o.user_agent, o.user_agent, o) for o in outlines),
        sessions=_tally((o.session_ref, o.session_ref, o) for o in outlines),
        roles=_current(changes, _ROLES, ("role",)),
        factors=_current(changes, _FACTORS, ("via", "factor")),
    )


def _outlines(subject: Subject) -> list[_Outline]:
    """Return the newest entries that concern `subject`, newest first."""
    found: dict[UUID, _Outline] = {}
    for column in COLUMNS[subject.kind]:
        if not column.startswith("actor_"):
            track = Track(column, subject.value).newest(AuditLog.objects.all())
            rows = track.values_list("pk", *_Outline._fields[1:])[:DEPTH]
            found.update((row[0], _Outline(*row)) for row in rows)
    return [found[id] for id in sorted(found, reverse=True)[:DEPTH]]


def _attempts(outlines: list[_Outline]) -> Attempts:
    failures = 0
    for outline in outlines:
        if outline.event == events.LOGIN_SUCCESS:
            return Attempts(time_of(outline.id), failures)
        failures += outline.event == events.LOGIN_FAILURE
    return Attempts(None, failures)


def _tally(found: Iterator[tuple[Any, str, _Outline]]) -> list[Tally]:
    """Return what occurs most in `found`: values, names, and their entries, newest first."""
    tallies: dict[Any, Tally] = {}
    for value, name, outline in found:
        if not name:
            continue
        tally = tallies.setdefault(value, Tally(value, name, time_of(outline.id)))
        tally.number += 1
        tally.failures += outline.outcome == events.FAILURE
    return sorted(tallies.values(), key=lambda tally: -tally.number)[:MOST_SHOWN]


def _changes(subject: Subject, outlines: list[_Outline]) -> list[AuditLog]:
    """Return the changes of what the account has, newest first."""
    codes = {*_ROLES, *_FACTORS}
    ids = [o.id for o in outlines if o.event in codes and o.outcome == events.SUCCESS]
    if len(outlines) == DEPTH:
        # A flood of failures must not hide what the account may do.
        older = Span(end=outlines[-1].id)
        ids += sorted(
            (id for code in codes for id in _done_to(subject, code, older)), reverse=True
        )
    return list(AuditLog.objects.filter(pk__in=ids[:MOST_CHANGES]).order_by("-pk"))


def _done_to(subject: Subject, code: str, span: Span) -> Iterator[UUID]:
    """Yield what succeeded to the account among the newest entries of the event `code`."""
    rows = Track("event", code).newest(AuditLog.objects.all(), span)
    for id, key, outcome in rows.values_list("pk", "user_id", "outcome")[:MOST_LOOKED_THROUGH]:
        if key == subject.value and outcome == events.SUCCESS:
            yield id


def _current(
    changes: list[AuditLog], gains: Mapping[str, bool], keys: tuple[str, ...]
) -> list[State]:
    """Return what was gained and not lost since: the newest change of each thing counts."""
    found: dict[str, State | None] = {}
    for entry in changes:
        facts = entry.metadata
        named = isinstance(facts, Mapping) and all(key in facts for key in keys)
        if named and entry.event in gains:
            thing = str([facts[key] for key in keys])
            found.setdefault(thing, State(entry.created_at, facts) if gains[entry.event] else None)
    return [state for state in found.values() if state is not None]

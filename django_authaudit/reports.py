"""Plain numbers about the log, without HTML: what can be recorded, and what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Max

from django_authaudit import events, spool
from django_authaudit.entry import time_of
from django_authaudit.models import AuditLog

FAMILIES = ("auth", "authz", "account", "security")
"""The families of events that a project's users cause, as opposed to the log's own."""


@dataclass(frozen=True)
class EventCoverage:
    """Whether an event can be recorded in this project, and how often it was."""

    code: str
    obstacle: str
    """Why it can never be recorded here; empty: it can."""
    seen: int
    last: datetime | None


@dataclass(frozen=True)
class Coverage:
    """What the specification's auditor counts: event types found, and those that are logged."""

    events: tuple[EventCoverage, ...]

    @property
    def missing(self) -> tuple[EventCoverage, ...]:
        """The event types that this project has and that can never be recorded."""
        return tuple(event for event in self.events if event.obstacle)

    @property
    def sentence(self) -> str:
        """The result in the words of the specification."""
        found, logged = len(self.events), len(self.events) - len(self.missing)
        if not self.missing:
            return (
                f"{found} auth event types found, all {logged} are logged with timestamp and "
                "user ID."
            )
        return (
            f"{found} auth event types found, {logged} are logged with timestamp and user ID, "
            f"{found - logged} are not: {', '.join(event.code for event in self.missing)}."
        )


def coverage(obstacles: Mapping[str, str], *, using: str) -> Coverage:
    """Return the coverage of the events that this project has.

    `obstacles` has the code of each of them, with what keeps it from ever being recorded, or
    nothing. Entries of other events are counted with them: a project's own code records those.
    """
    rows = (
        AuditLog.objects.using(using)
        .order_by()
        .values_list("event")
        .annotate(seen=Count("pk"), last=Max("created_at"))
    )
    seen = {code: (count, last) for code, count, last in rows}
    own = {code for code in seen if events.get(code).family not in ("audit", "alert")}
    return Coverage(
        tuple(
            EventCoverage(code, obstacles.get(code, ""), *seen.get(code, (0, None)))
            for code in sorted({*obstacles, *own})
        )
    )


@dataclass(frozen=True)
class Health:
    """How the log itself fares."""

    entries_lost: int
    """Entries that neither the database nor the spool took, as far as it was recorded."""
    entries_replayed: int
    spool_folder: str
    spool_files: int
    rejected_files: int
    last_entry: datetime | None
    last_pruned: datetime | None


def health(*, using: str) -> Health:
    """Return how the log in the database `using` and its spool fare."""
    log = AuditLog.objects.using(using)
    newest = log.order_by("-id").values_list("id", flat=True)[:1]
    pruned = log.of_event(events.AUDIT_PRUNED).order_by("-id").values_list("id", flat=True)[:1]
    return Health(
        entries_lost=_sum(events.AUDIT_WRITE_FAILED, "lost", using),
        entries_replayed=_sum(events.AUDIT_SPOOL_REPLAYED, "stored", using),
        spool_folder=str(spool.folder(using)),
        spool_files=spool.count(using),
        rejected_files=spool.count(using, spool.SET_ASIDE),
        last_entry=next(map(time_of, newest), None),
        last_pruned=next(map(time_of, pruned), None),
    )


def _sum(code: str, key: str, using: str) -> int:
    found = AuditLog.objects.using(using).of_event(code).values_list("metadata", flat=True)
    return sum(int(metadata.get(key, 0)) for metadata in found.iterator())

"""How the log itself fares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core import checks

from django_authaudit import events, shipments, spool
from django_authaudit.entry import time_of
from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet, readable

_OURS = "django_authaudit."


@dataclass(frozen=True)
class Weakness:
    """What a system check says of the settings."""

    id: str
    message: str
    hint: str


@dataclass(frozen=True)
class Health:
    """What was lost, what waits, and when the log was last looked after."""

    entries_lost: int
    """Entries that neither the database nor the spool took, as far as it was recorded."""
    entries_replayed: int
    spool_folder: str
    spool_files: int
    rejected_files: int
    last_entry: datetime | None
    last_pruned: datetime | None
    last_sealed: datetime | None
    last_verified: datetime | None
    last_viewed: datetime | None
    sinks: tuple[shipments.State, ...]
    """How far each sink that is shipped to has come."""
    weaknesses: tuple[Weakness, ...]


def collect(*, using: str) -> Health:
    """Return how the log in the database `using` and its spool fare."""
    return Health(
        entries_lost=_sum(events.AUDIT_WRITE_FAILED, "lost", using),
        entries_replayed=_sum(events.AUDIT_SPOOL_REPLAYED, "stored", using),
        spool_folder=str(spool.folder(using)),
        spool_files=spool.count(using),
        rejected_files=spool.count(using, spool.SET_ASIDE),
        last_entry=_newest(AuditLog.objects.using(using)),
        last_pruned=last(events.AUDIT_PRUNED, using=using),
        last_sealed=last(events.AUDIT_SEALED, using=using),
        last_verified=last(events.AUDIT_VERIFIED, using=using),
        last_viewed=last(events.AUDIT_VIEWED, using=using),
        sinks=tuple(shipments.states(using=using)),
        weaknesses=tuple(
            Weakness(found.id, found.msg, found.hint or "")
            for found in checks.run_checks(tags=["django_authaudit"])
            if found.id and found.id.startswith(_OURS) and not found.is_silenced()
        ),
    )


def last(code: str, *, using: str) -> datetime | None:
    """Return when the event `code` was last recorded."""
    return _newest(AuditLog.objects.using(using).of_event(code))


@readable()
def _newest(entries: AuditLogQuerySet) -> datetime | None:
    ids = entries.order_by("-id").values_list("id", flat=True)[:1]
    return next(map(time_of, ids), None)


@readable()
def _sum(code: str, key: str, using: str) -> int:
    found = AuditLog.objects.using(using).of_event(code).values_list("metadata", flat=True)
    numbers = (metadata.get(key) for metadata in found.iterator() if isinstance(metadata, dict))
    # What an edited row says may be anything: verification finds it.
    return sum(number for number in numbers if isinstance(number, int))

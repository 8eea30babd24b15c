"""How far each sink was shipped to: an exact position, kept in the database of the log.

Ids rise with the time of the event, but rows appear when their transaction ends or their spool is
replayed, so an id alone is no position. Writers number their entries without a hole, though: a
sink has had all up to some number of each writer, but for those that are known to be missing.
Going through the log by id keeps the order; comparing numbers finds what appeared below that id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from django_authaudit.entry import Entry, time_of
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.models import (
    AuditLog,
    AuditShipment,
    AuditShipmentRejection,
)
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.shipments import numbers
from django_authaudit.sinks import shipped_to
from django_authaudit.sinks.base import LONGEST_TIMEOUT

LEASE = timedelta(seconds=4 * LONGEST_TIMEOUT)
"""How long a shipper that was killed keeps others from its sink; it is renewed with each batch."""
MOST_KEPT = 500
"""Late and rejected entries that pruning passes over one by one."""
_LONGEST_ERROR = 1000
_NIL = UUID(int=0)

Rejected = tuple[Entry, str]


class HeldError(AuthAuditError):
    """Raised when another shipper has the sink."""


def take(sink: str, holder: str, *, using: str) -> AuditShipment:
    """Return the shipment to `sink`, which is now `holder`'s alone; raise HeldError if another's.

    It stays so for LEASE, and longer with each `keep()` and `advance()`.
    """
    shipments = AuditShipment.objects.using(using)
    shipments.get_or_create(sink=sink)
    free = Q(holder__in=("", holder)) | Q(held_until__lt=Now())
    if not shipments.filter(free, sink=sink).update(holder=holder, held_until=Now() + LEASE):
        raise HeldError(f"Another process ships to {sink!r}.")
    return shipments.get(sink=sink)


def keep(shipment: AuditShipment) -> None:
    """Keep others from the sink for another LEASE; raise HeldError if one has it by now."""
    _renew(shipment)


def release(shipment: AuditShipment, *, error: str | None) -> None:
    """Let others have the sink; note `error` and since when there is one.

    Empty: the sink takes what it is brought. None: nothing was learned, and what is noted stays.
    """
    noted: dict[str, Any] = {}
    if error == "":
        noted = {"error": "", "failing_since": None}
    elif error:
        noted = {
            "error": error[:_LONGEST_ERROR],
            "failing_since": Coalesce("failing_since", Now()),
        }
    _held(shipment).update(holder="", held_until=None, **noted)


def waiting(shipment: AuditShipment, most: int) -> list[Entry]:
    """Return the next entries in the order of their ids, at most `most`."""
    rows = AuditLog.objects.using(_database(shipment))
    if shipment.position is not None:
        rows = rows.filter(pk__gt=shipment.position)
    return list(islice(rows.entries(most), most))


def late(shipment: AuditShipment, most: int) -> list[Entry]:
    """Return entries that appeared below the position, at most `most`, the oldest first."""
    rows = AuditLog.objects.using(_database(shipment))
    return list(rows.filter(pk__in=numbers.late_ids(shipment, most)).entries(most))


def advance(
    shipment: AuditShipment, taken: Sequence[Entry], rejected: Sequence[Rejected] = ()
) -> None:
    """Note that the sink has had `taken` and never takes `rejected`, in one transaction.

    Raises HeldError if the shipment is another's by now.
    """
    had = [*taken, *(entry for entry, _ in rejected)]
    position = max(filter(None, (shipment.position, *(entry.id for entry in had))))
    using = _database(shipment)
    with transaction.atomic(using=using):
        _renew(
            shipment,
            position=position,
            shipped=F("shipped") + len(taken),
            shipped_at=Now(),
            error="",
            failing_since=None,
        )
        numbers.note(shipment, had)
        AuditShipmentRejection.objects.using(using).bulk_create(
            AuditShipmentRejection(
                shipment=shipment, entry=entry.id, error=error, created_at=timezone.now()
            )
            for entry, error in rejected
        )
    shipment.position = position


def rejected(shipment: AuditShipment) -> Iterator[Entry]:
    """Yield the entries that the sink has rejected, but for those that left the log since."""
    using = _database(shipment)
    rejections = AuditShipmentRejection.objects.using(using).filter(shipment=shipment)
    ids = list(rejections.values_list("entry", flat=True))
    for start in range(0, len(ids), MOST_KEPT):
        rows = AuditLog.objects.using(using).filter(pk__in=ids[start : start + MOST_KEPT])
        yield from list(rows.entries())


def tried_again(shipment: AuditShipment, entry: Entry, *, taken: bool) -> None:
    """Note whether the sink has taken the rejected `entry` after all.

    Raises HeldError if the shipment is another's by now.
    """
    using = _database(shipment)
    with transaction.atomic(using=using):
        _renew(shipment, shipped=F("shipped") + int(taken))
        if taken:
            rejections = AuditShipmentRejection.objects.using(using)
            rejections.filter(shipment=shipment, entry=entry.id).delete()


def shipped(entries: AuditLogQuerySet) -> AuditLogQuerySet:
    """Return those of `entries` that every sink has taken; all, where none is shipped to.

    What a sink rejected, it has not taken. Raises ImproperlyConfigured for sinks that are none.
    """
    aliases = list(shipped_to())
    found = AuditShipment.objects.using(entries.db).filter(sink__in=aliases)
    shipments = [shipment for shipment in found if shipment.position is not None]
    if len(shipments) < len(aliases):
        # none() has no SQL, which retention asks for.
        return entries.filter(pk__lt=_NIL)
    for shipment in shipments:
        rejections = AuditShipmentRejection.objects.using(entries.db).filter(shipment=shipment)
        kept = sorted(
            {*numbers.late_ids(shipment, MOST_KEPT), *rejections.values_list("entry", flat=True)}
        )
        entries = entries.filter(pk__lte=shipment.position).exclude(pk__in=kept[:MOST_KEPT])
        if len(kept) >= MOST_KEPT:
            entries = entries.filter(pk__lt=kept[MOST_KEPT - 1])
    return entries


@dataclass(frozen=True)
class State:
    """How far a sink is."""

    sink: str
    shipped: int
    waiting: int
    """Entries above the position; those that are late are not counted."""
    waiting_since: datetime | None
    last_shipped: datetime | None
    failing_since: datetime | None
    error: str
    rejected: int

    def __str__(self) -> str:
        facts = (
            ("shipped", self.shipped),
            ("waiting", self.waiting),
            ("waiting since", _time(self.waiting_since)),
            ("last shipped", _time(self.last_shipped)),
            ("failing since", _time(self.failing_since)),
            ("error", self.error or "-"),
            ("rejected", self.rejected),
        )
        return "\n".join([self.sink, *(f"  {name:<14} {value}" for name, value in facts)])


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}".rstrip() if moment else "-"


def states(*, using: str) -> list[State]:
    """Return the state of every sink that is shipped to; raise ImproperlyConfigured."""
    found = AuditShipment.objects.using(using).annotate(rejected=Count("rejections"))
    known = {shipment.sink: shipment for shipment in found}
    return [_state(alias, known.get(alias), using) for alias in shipped_to()]


def _state(alias: str, shipment: Any, using: str) -> State:
    entries = AuditLog.objects.using(using).order_by("pk")
    if shipment is None:
        shipment = AuditShipment(sink=alias)
    if shipment.position is not None:
        entries = entries.filter(pk__gt=shipment.position)
    return State(
        sink=alias,
        shipped=shipment.shipped,
        waiting=entries.count(),
        waiting_since=next(map(time_of, entries.values_list("pk", flat=True)[:1]), None),
        last_shipped=shipment.shipped_at,
        failing_since=shipment.failing_since,
        error=shipment.error,
        rejected=getattr(shipment, "rejected", 0),
    )


def _database(shipment: AuditShipment) -> str:
    return str(shipment._state.db)


def _held(shipment: AuditShipment) -> Any:
    shipments = AuditShipment.objects.using(_database(shipment))
    return shipments.filter(sink=shipment.sink, holder=shipment.holder)


def _renew(shipment: AuditShipment, **values: Any) -> None:
    if not _held(shipment).update(held_until=Now() + LEASE, **values):
        raise HeldError(f"Another process ships to {shipment.sink!r} by now.")

"""Which numbers of each writer a sink has had, and where the others may stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from uuid import UUID

from django.db import connections
from django.db.models import Q

from django_authaudit.entry import Entry
from django_authaudit.models import AuditLog, AuditShipment, AuditShipmentWriter

_CONDITIONS = 100
"""Conditions a query, so that no planner gives up on its index."""

Range = list[int]


def note(shipment: AuditShipment, entries: Iterable[Entry]) -> None:
    """Note that the sink has had `entries`, in the transaction that is open."""
    numbers: dict[UUID, list[int]] = defaultdict(list)
    for entry in entries:
        if entry.writer is not None:
            numbers[entry.writer].append(entry.sequence)
    using = str(shipment._state.db)
    writers = AuditShipmentWriter.objects.using(using)
    known = {row.writer: row for row in writers.filter(shipment=shipment, writer__in=numbers)}
    fresh = []
    for writer, found in numbers.items():
        row = known.get(writer)
        if row is None:
            fresh.append(row := AuditShipmentWriter(shipment=shipment, writer=writer, missing=[]))
        for number in sorted(found):
            row.last, row.missing = _without(number, row.last, row.missing)
    writers.bulk_update(known.values(), ["last", "missing"])
    writers.bulk_create(fresh)


def _without(number: int, last: int, missing: Sequence[Range]) -> tuple[int, list[Range]]:
    """Return `last` and `missing` after `number` was shipped."""
    if number > last:
        return number, [*missing, *_ranges((last + 1, number - 1))]
    rest = [
        part
        for first, end in missing
        for part in _ranges((first, min(end, number - 1)), (max(first, number + 1), end))
    ]
    return last, rest


def _ranges(*pairs: tuple[int, int]) -> list[Range]:
    return [[first, last] for first, last in pairs if first <= last]


def late_ids(shipment: AuditShipment, most: int) -> list[UUID]:
    """Return the ids of entries that appeared below the position, at most `most`, oldest first."""
    if shipment.position is None:
        return []
    rows = AuditLog.objects.using(str(shipment._state.db)).filter(pk__lte=shipment.position)
    conditions = _not_shipped(shipment)
    found: list[UUID] = []
    while len(found) < most and (some := list(islice(conditions, _CONDITIONS))):
        # A LIMIT would have PostgreSQL read the whole table in the hope of an early end.
        found += rows.filter(Q(*some, _connector=Q.OR)).values_list("pk", flat=True)
    return sorted(found)[:most]


def _not_shipped(shipment: AuditShipment) -> Iterator[Q]:
    """Yield where entries may stand that were never shipped, by writer and number."""
    using = str(shipment._state.db)
    rows = AuditShipmentWriter.objects.using(using).filter(shipment=shipment)
    known = {row.writer: row for row in rows}
    for writer, last in _last_numbers(using).items():
        row = known.get(writer)
        if row is None:
            yield Q(writer=writer)
            continue
        if last > row.last:
            yield Q(writer=writer, sequence__gt=row.last)
        for first, end in row.missing:
            yield Q(writer=writer, sequence__range=(first, end))


def _last_numbers(using: str) -> Mapping[UUID, int]:
    """Return the last number of every writer, by hopping from one to the next in the index."""
    with connections[using].cursor() as cursor:
        table = connections[using].ops.quote_name(AuditLog._meta.db_table)
        # MariaDB hops by itself, but reads the whole index for each step of a recursion (a minute
        # for 1,000 writers against 10 milliseconds); the others hop nowhere else.
        hop = _GROUPED if connections[using].vendor == "mysql" else _HOPPING
        cursor.execute(hop.format(table=table))
        return {UUID(str(writer)): last for writer, last in cursor.fetchall()}


_GROUPED = """
    SELECT writer, MAX(sequence) FROM {table} WHERE writer IS NOT NULL GROUP BY writer
"""
_HOPPING = """
    WITH RECURSIVE found (writer) AS (
        SELECT * FROM (
            SELECT writer FROM {table} WHERE writer IS NOT NULL ORDER BY writer LIMIT 1
        ) AS first
        UNION ALL
        SELECT (
            SELECT writer FROM {table} AS next
            WHERE next.writer > found.writer ORDER BY writer LIMIT 1
        ) FROM found WHERE found.writer IS NOT NULL
    )
    SELECT writer, (SELECT MAX(sequence) FROM {table} AS own WHERE own.writer = found.writer)
    FROM found WHERE writer IS NOT NULL
"""

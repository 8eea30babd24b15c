"""Entries are deleted in short transactions, whose size follows the speed of the database."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField
from django.db.models.functions import Cast
from django.db.models.sql import DeleteQuery

from django_authaudit import hardening
from django_authaudit.entry import time_of
from django_authaudit.integrity import prunes
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.retention.holds import not_held

MOST_ROWS = 100_000
"""Rows that one transaction deletes at most, however fast the database is."""
LONGEST_WAIT = 30.0
"""Seconds that a batch is tried again while others hold locks that it needs."""

_FIRST_ROWS = 100
_FASTEST_GROWTH = 4
# Seconds that a transaction should last, and after which a database that can do so ends it.
_AIM, _LIMIT = 0.07, 0.18
# Seconds between tries, and between the batches of SQLite, which has one lock for all writers and
# has them ask for it every 25 milliseconds. With five milliseconds, four of ten entries that were
# recorded meanwhile went to the spool; with these, none.
_PAUSE = 0.03
# Ids a statement: SQLite knew 999 variables a statement before 3.32.
_MOST_IDS = 500
# KiB. What SQLite's own 2 MB cannot hold is written early, and shuts out readers meanwhile.
_SQLITE_CACHE = 32 * 1024

# Another's lock, a deadlock, a conflict of snapshots, the time limit: gone at the next try.
_PASSING_STATES = ("40001", "40P01", "55P03", "57014")
_PASSING_CODES = (1020, 1205, 1213, 1969)


@dataclass(frozen=True)
class Batch:
    """What one transaction deleted: how many entries, and up to when."""

    count: int
    until: datetime


class Pace:
    """How many rows the next transaction takes, so that it aims at under a tenth of a second."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.size = min(_FIRST_ROWS, most)

    def learn(self, count: int, took: float) -> None:
        """Take into account that a transaction deleted `count` rows in `took` seconds."""
        # What another pruner has emptied says nothing of how fast rows can be deleted.
        if count == self.size or took > _AIM:
            self._scale(min(_FASTEST_GROWTH, _AIM / max(took, 1e-6)))

    def slow_down(self) -> None:
        """Take into account that a transaction did not get through."""
        self._scale(0.5)

    def _scale(self, factor: float) -> None:
        self.size = max(1, min(self.most, int(self.size * factor)))


def delete_in_batches(
    entries: AuditLogQuerySet, until: datetime, pace: Pace, using: str
) -> Iterator[Batch]:
    """Delete `entries`, all from before `until`, oldest first; yield each batch when it is gone.

    Raises the database's error when it is away or rows stay locked for LONGEST_WAIT.
    """
    rest = entries
    while True:
        last, count = patiently(partial(_delete_oldest, rest, until, pace, using), pace)
        yield Batch(count, until if last is None else time_of(last))
        if last is None:
            return
        # What is gone is not looked at again: PostgreSQL keeps it until its next VACUUM.
        rest = entries.filter(pk__gt=last)
        _rest(using)


def delete_by_id(
    ids: Sequence[UUID],
    entries: AuditLogQuerySet,
    pace: Pace,
    using: str,
    until: datetime | None = None,
) -> Iterator[Batch]:
    """Delete those of `entries` that have one of `ids`, in this order; yield each batch.

    They are from before `until`, if that is known.

    Raises as `delete_in_batches()` does.
    """
    start = 0
    while start < len(ids):
        end, count = patiently(
            partial(_delete_named, ids, start, entries, until, pace, using), pace
        )
        yield Batch(count, time_of(ids[end - 1]))
        start = end
        _rest(using)


def present(ids: Sequence[UUID], entries: AuditLogQuerySet) -> list[UUID]:
    """Return those of `ids` that `entries` still have."""
    found: list[UUID] = []
    for at in range(0, len(ids), _MOST_IDS):
        chunk = ids[at : at + _MOST_IDS]
        found += entries.filter(pk__in=chunk).values_list("pk", flat=True)
    return found


@contextmanager
def large_cache(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Give SQLite the memory for a batch of MOST_ROWS."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        (before,) = cursor.fetchone()
        cursor.execute(f"PRAGMA cache_size = -{_SQLITE_CACHE}")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA cache_size = {before}")


T = TypeVar("T")


def patiently(work: Callable[[], T], pace: Pace | None = None) -> T:
    """Do `work`, again and in smaller steps while what prevents it passes."""
    give_up = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            return work()
        except (OperationalError, IntegrityError) as error:
            if not _passes(error) or time.monotonic() > give_up:
                raise
            if pace is not None:
                pace.slow_down()
            time.sleep(_PAUSE)


def _rest(using: str) -> None:
    if connections[using].vendor == "sqlite":
        time.sleep(_PAUSE)


def _delete_oldest(
    entries: AuditLogQuerySet, until: datetime, pace: Pace, using: str
) -> tuple[UUID | None, int]:
    """Delete the oldest in one transaction; return the last id, None: all, and the number."""
    entries = not_held(entries)
    last = _nth(entries, pace.size)
    begun = time.monotonic()
    part = entries if last is None else entries.filter(pk__lte=last)
    count = _delete([part], until, using)
    pace.learn(count, time.monotonic() - begun)
    return last, count


def _delete_named(
    ids: Sequence[UUID],
    start: int,
    entries: AuditLogQuerySet,
    until: datetime | None,
    pace: Pace,
    using: str,
) -> tuple[int, int]:
    """Delete some of `ids` from `start` on in one transaction; return where it ended."""
    end = min(len(ids), start + pace.size)
    chunks = [ids[at : min(end, at + _MOST_IDS)] for at in range(start, end, _MOST_IDS)]
    free = not_held(entries)
    begun = time.monotonic()
    count = _delete([free.filter(pk__in=chunk) for chunk in chunks], until, using)
    pace.learn(count, time.monotonic() - begun)
    return end, count


def _nth(entries: AuditLogQuerySet, number: int) -> UUID | None:
    """Return the id of the entry of that number, counted from the oldest, if there are so many."""
    ids = entries.order_by("pk").values_list("pk", flat=True)
    return next(iter(ids[number - 1 : number]), None)


def _delete(parts: Sequence[AuditLogQuerySet], until: datetime | None, using: str) -> int:
    """Delete `parts` in one transaction, without signals, and return how many entries it were.

    A seal of the same transaction names them, so that verification misses nothing else.
    """
    with transaction.atomic(using=using, durable=True):
        with hardening.permitted(hardening.DELETE, using), _limited(using) as delete:
            taken = [place for part in parts for place in delete(part)]
        prunes.record(taken, using=using, until=until and until.astimezone(timezone.utc))
        return len(taken)


Place = tuple[str | None, int, str]
"""The writer, the number and the leaf of an entry."""


@contextmanager
def _limited(using: str) -> Iterator[Callable[[AuditLogQuerySet], list[Place]]]:
    """Give a function that deletes entries and returns their places, within _LIMIT a statement."""
    connection = connections[using]
    # The limit would last as long as the transaction around a test.
    limited = len(connection.savepoint_ids) == 0
    prefix = ""
    names = _Names()
    with connection.cursor() as cursor:
        if limited and connection.vendor == "postgresql":
            cursor.execute(f"SET LOCAL statement_timeout = {int(_LIMIT * 1000)}")
        if limited and getattr(connection, "mysql_is_mariadb", False):
            prefix = f"SET STATEMENT max_statement_time = {_LIMIT} FOR "

        def delete(entries: AuditLogQuerySet) -> list[Place]:
            statement, values = entries.query.chain(DeleteQuery).get_compiler(using).as_sql()
            if connection.features.can_return_columns_from_insert:
                # As text: a UUID costs twice, when it is made and when its name is looked up.
                writer = "writer::text" if connection.vendor == "postgresql" else "writer"
                returning = f"{prefix}{statement} RETURNING {writer}, sequence, leaf"
                cursor.execute(returning, values)
                # All at once: row by row it takes a third longer.
                gone = cursor.fetchall()
                return [(names[writer], number, leaf) for writer, number, leaf in gone]
            # As text, for what is no UUID must not end the run.
            columns = (Cast("writer", CharField()), "sequence", "leaf")
            locked = entries.select_for_update().values_list(*columns)
            places = [(names[writer], number, leaf) for writer, number, leaf in locked]
            cursor.execute(statement, values)
            if cursor.rowcount != len(places):
                raise IntegrityError("Entries appeared or left while they were deleted.")
            return places

        yield delete


class _Names(dict[Any, str | None]):
    """The writers as text, each made once: a batch has thousands of entries of a few."""

    def __missing__(self, writer: Any) -> str | None:
        try:
            name = str(UUID(str(writer)))
        except ValueError:
            # None, or what somebody wrote in its place: it goes unnamed, and its entry is missed.
            name = None
        self[writer] = name
        return name


def _passes(error: OperationalError | IntegrityError) -> bool:
    """Return whether `error` is one that the same transaction need not meet again."""
    if isinstance(error, IntegrityError):
        # Another has added the same seal.
        return True
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    code = error.args[0] if error.args else None
    return state in _PASSING_STATES or code in _PASSING_CODES or " is locked" in str(error)

"""Entries leave the log by age: oldest first, in short transactions, and with an entry of it."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from django.db import Error, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import DeleteQuery

from django_authaudit import events, hardening
from django_authaudit.conf import conf
from django_authaudit.entry import time_of
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.recorder import record
from django_authaudit.sinks.database import write_alias

MOST_ROWS = 100_000
"""Rows that one transaction deletes at most, however fast the database is."""
LONGEST_WAIT = 30.0
"""Seconds that a batch is tried again while others hold locks that it needs."""

_FIRST_ROWS = 100
_FASTEST_GROWTH = 4
# Seconds that a transaction should last, and after which a database that can do so ends it.
_AIM, _LIMIT = 0.1, 0.18
# Seconds between tries, and between the batches of SQLite, which has one lock for all writers and
# has them ask for it every 25 milliseconds. With five milliseconds, four of ten entries that were
# recorded meanwhile went to the spool; with these, none.
_PAUSE = 0.03
# KiB. What SQLite's own 2 MB cannot hold is written early, and shuts out readers meanwhile.
_SQLITE_CACHE = 32 * 1024

# Another's lock, a deadlock, a conflict of snapshots, the time limit: gone at the next try.
_PASSING_STATES = ("40001", "40P01", "55P03", "57014")
_PASSING_CODES = (1020, 1205, 1213, 1969)


class RetentionError(AuthAuditError):
    """Raised when entries are asked to leave earlier than the settings allow."""


@dataclass(frozen=True)
class Batch:
    """What one transaction deleted: how many entries, and up to when."""

    count: int
    until: datetime


Batches = Generator[Batch, None, None]


def cutoff_for(days: int | None = None) -> datetime:
    """Return the moment `days` ago, by default AUTHAUDIT_RETENTION_DAYS.

    Raises RetentionError for what is no number of days, or too small or too large a one.
    """
    if days is None:
        days = _whole("AUTHAUDIT_RETENTION_DAYS", conf.AUTHAUDIT_RETENTION_DAYS)
    _refuse_too_few(_whole("days", days))
    try:
        return datetime.now(timezone.utc) - timedelta(days=days)
    except OverflowError:
        raise RetentionError(
            f"{days} days ago there was no log: give a smaller number, such as 90."
        ) from None


def expired(cutoff: datetime, *, using: str | None = None) -> AuditLogQuerySet:
    """Return the entries from before `cutoff` in the database `using`, by default the log's own.

    Raises RetentionError for an unknown database, and for a cutoff in the future or nearer than
    AUTHAUDIT_MINIMUM_RETENTION_DAYS.
    """
    if using is not None and using not in connections.settings:
        raise RetentionError(
            f"There is no database {using!r}: choose one of {', '.join(connections.settings)}."
        )
    _refuse_too_few(_age_in_days(cutoff))
    return AuditLog.objects.using(using or write_alias()).older_than(cutoff)


def prune(cutoff: datetime, *, batch_size: int = MOST_ROWS, using: str | None = None) -> Batches:
    """Delete the entries from before `cutoff`, oldest first; yield each batch when it is gone.

    A batch is one transaction of about a tenth of a second and at most `batch_size` rows, a range
    of the primary key. Nothing needs to be kept between two runs: one that was killed is finished
    by the next, and two at once share the work. No signal is sent for the rows.

    The run is itself recorded, as ``audit.pruned``, when it is over or closed early. One that
    found nothing is recorded too: the daily entry shows that retention is at work, and its absence
    that it is not. One that failed before it deleted anything is not.

    Raises RetentionError as `expired()` does, and the database's error when it is away or the rows
    stay locked for LONGEST_WAIT.
    """
    if batch_size < 1:
        raise RetentionError(
            f"A batch of {batch_size} entries deletes nothing: give a size of at least 1."
        )
    using = using or write_alias()
    return _prune(expired(cutoff, using=using), cutoff, batch_size, using)


def _prune(entries: AuditLogQuerySet, cutoff: datetime, batch_size: int, using: str) -> Batches:
    deleted = 0
    ending: dict[str, Any] = {"interrupted": True}
    try:
        with _large_cache(connections[using]):
            for batch in _batches(entries, cutoff, batch_size, using):
                deleted += batch.count
                yield batch
        ending = {}
    except Error as error:
        ending["exception"] = type(error).__name__
        raise
    finally:
        if deleted or not ending:
            _record(cutoff, using, {"count": deleted, **ending})


def _record(cutoff: datetime, using: str, facts: dict[str, Any]) -> None:
    record(
        events.AUDIT_PRUNED,
        outcome=events.FAILURE if "exception" in facts else None,
        metadata={
            **facts,
            "cutoff": cutoff.astimezone(timezone.utc)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "retention_days": _age_in_days(cutoff),
            "database": using,
        },
    )


def _batches(
    entries: AuditLogQuerySet, cutoff: datetime, most: int, using: str
) -> Iterator[Batch]:
    size = min(_FIRST_ROWS, most)
    rest = entries
    give_up = time.monotonic() + LONGEST_WAIT
    while True:
        try:
            last = _nth(rest, size)
            start = time.monotonic()
            count = _delete(rest if last is None else rest.filter(pk__lte=last), using)
        except OperationalError as error:
            if not _passes(error) or time.monotonic() > give_up:
                raise
            size = max(1, size // 2)
            time.sleep(_PAUSE)
            continue
        took = time.monotonic() - start
        yield Batch(count, cutoff if last is None else time_of(last))
        if last is None:
            return
        # What is gone is not looked at again: PostgreSQL keeps it until its next VACUUM.
        rest = entries.filter(pk__gt=last)
        # What another pruner has emptied says nothing of how fast rows can be deleted.
        if count == size or took > _AIM:
            size = max(1, min(most, int(size * min(_FASTEST_GROWTH, _AIM / max(took, 1e-6)))))
        if connections[using].vendor == "sqlite":
            time.sleep(_PAUSE)
        give_up = time.monotonic() + LONGEST_WAIT


def _nth(entries: AuditLogQuerySet, number: int) -> UUID | None:
    """Return the id of the entry of that number, counted from the oldest, if there are so many."""
    ids = entries.order_by("pk").values_list("pk", flat=True)
    return next(iter(ids[number - 1 : number]), None)


def _delete(entries: AuditLogQuerySet, using: str) -> int:
    """Delete `entries` in one transaction, without signals, and return how many it were."""
    statement, values = entries.query.chain(DeleteQuery).get_compiler(using).as_sql()
    connection = connections[using]
    # The limit would last as long as the transaction around a test.
    limited = not connection.in_atomic_block
    with (
        transaction.atomic(using=using, durable=True),
        hardening.permitted(hardening.DELETE, using),
        connection.cursor() as cursor,
    ):
        if limited and connection.vendor == "postgresql":
            cursor.execute(f"SET LOCAL statement_timeout = {int(_LIMIT * 1000)}")
        if limited and getattr(connection, "mysql_is_mariadb", False):
            statement = f"SET STATEMENT max_statement_time = {_LIMIT} FOR {statement}"
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _passes(error: OperationalError) -> bool:
    """Return whether `error` is one that the same statement need not meet again."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    code = error.args[0] if error.args else None
    return state in _PASSING_STATES or code in _PASSING_CODES or " is locked" in str(error)


@contextmanager
def _large_cache(connection: BaseDatabaseWrapper) -> Iterator[None]:
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


def _age_in_days(cutoff: datetime) -> int:
    return (datetime.now(timezone.utc) - cutoff).days


def _refuse_too_few(days: int) -> None:
    minimum = _whole("AUTHAUDIT_MINIMUM_RETENTION_DAYS", conf.AUTHAUDIT_MINIMUM_RETENTION_DAYS)
    if days < 0:
        raise RetentionError(
            f"{days} days would put the cutoff in the future and delete the whole log: give the "
            "number of days to keep, such as 90."
        )
    if days < minimum:
        raise RetentionError(
            f"{days} days are fewer than AUTHAUDIT_MINIMUM_RETENTION_DAYS ({minimum}): give at "
            "least as many, or change the setting."
        )


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RetentionError(f"{name}: {value!r} is no whole number of days, such as 90.")
    return value

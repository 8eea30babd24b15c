"""Entries leave the log by age: oldest first, in short transactions, and with an entry of it."""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timezone
from typing import Any

from django.db import Error, connections

from django_authaudit import events
from django_authaudit.conf import conf
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.recorder import record
from django_authaudit.retention.batches import (
    MOST_ROWS,
    Batch,
    Pace,
    delete_in_batches,
    large_cache,
)
from django_authaudit.retention.periods import (
    RetentionError,
    Schedule,
    age_in_days,
    entries_of,
    schedule_for,
)
from django_authaudit.sinks.database import write_alias

Batches = Generator[Batch, None, None]


def prune(cutoff: datetime, *, batch_size: int = MOST_ROWS, using: str | None = None) -> Batches:
    """Delete the entries from before `cutoff`, oldest first; yield each batch when it is gone.

    Events that AUTHAUDIT_RETENTION names have cutoffs of their own, and leave one event after
    the other. A batch is one transaction of about a tenth of a second and at most `batch_size`
    rows. Nothing needs to be kept between two runs: one that was killed is finished by the next,
    and two at once share the work. No signal is sent for the rows.

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
    return _prune(entries_of(using), schedule_for(cutoff), batch_size, using)


def _prune(entries: AuditLogQuerySet, schedule: Schedule, batch_size: int, using: str) -> Batches:
    deleted = 0
    ending: dict[str, Any] = {"interrupted": True}
    pace = Pace(batch_size)
    try:
        with large_cache(connections[using]):
            for group in schedule.groups(entries):
                for batch in delete_in_batches(group.of(entries), group.cutoff, pace, using):
                    deleted += batch.count
                    yield batch
        ending = {}
    except Error as error:
        ending["exception"] = type(error).__name__
        raise
    finally:
        if deleted or not ending:
            _record(schedule.cutoff, using, {"count": deleted, **ending})


def _record(cutoff: datetime, using: str, facts: dict[str, Any]) -> None:
    if conf.AUTHAUDIT_RETENTION:
        facts["retention"] = [
            {"prefix": prefix, "days": days} for prefix, days in conf.AUTHAUDIT_RETENTION.items()
        ]
    record(
        events.AUDIT_PRUNED,
        outcome=events.FAILURE if "exception" in facts else None,
        metadata={
            **facts,
            "cutoff": cutoff.astimezone(timezone.utc)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            "retention_days": age_in_days(cutoff),
            "database": using,
        },
    )

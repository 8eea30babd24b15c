"""Entries leave the log by age: oldest first, in short transactions, and with an entry of it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import Error, connections

from django_authaudit import events, spool
from django_authaudit.conf import conf
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.recorder import record
from django_authaudit.retention.archives import PENDING, Archive, Manifest, open_archive
from django_authaudit.retention.batches import (
    MOST_ROWS,
    Batch,
    Pace,
    delete_by_id,
    delete_in_batches,
    large_cache,
    present,
)
from django_authaudit.retention.holds import not_held
from django_authaudit.retention.periods import (
    RetentionError,
    Schedule,
    age_in_days,
    entries_of,
    free,
    schedule_for,
)
from django_authaudit.sinks.database import write_alias

ENTRIES_A_FILE = 100_000
"""Entries that a file of an archive holds at most."""

Batches = Generator[Batch, None, None]


def prune(
    cutoff: datetime,
    *,
    batch_size: int = MOST_ROWS,
    using: str | None = None,
    archive: Path | None = None,
    unshipped: bool = False,
) -> Batches:
    """Delete the entries from before `cutoff`, oldest first; yield each batch when it is gone.

    Events that AUTHAUDIT_RETENTION names have cutoffs of their own, and leave one event after
    the other. A batch is one transaction that aims at under a tenth of a second and has at most
    `batch_size` rows. Nothing needs to be kept between two runs: one that was killed is finished
    by the next, and two at once share the work. No signal is sent for the rows. With a folder as
    `archive`, they are on its disk, and were read back, before they are deleted. What a sink that
    is shipped to has not taken stays, unless it may go `unshipped`.

    The run is itself recorded, as ``audit.pruned``, when it is over or closed early. One that
    found nothing is recorded too: the daily entry shows that retention is at work, and its absence
    that it is not. One that failed before it deleted anything is not.

    Raises RetentionError as `expired()` does, and the database's error when it is away or the rows
    stay locked for LONGEST_WAIT; with an archive also OSError and ArchiveError.
    """
    if batch_size < 1:
        raise RetentionError(
            f"A batch of {batch_size} entries deletes nothing: give a size of at least 1."
        )
    using = using or write_alias()
    schedule, pace = schedule_for(cutoff), Pace(batch_size)
    entries = free(using, unshipped=unshipped)
    if archive is None:
        return _recorded(_expired(entries, schedule, pace, using), schedule, using)
    going = _archived(entries, schedule, pace, using, archive)
    return _recorded(going, schedule, using, archive=str(archive))


def _expired(
    entries: AuditLogQuerySet, schedule: Schedule, pace: Pace, using: str
) -> Iterator[Batch]:
    for group in schedule.groups(entries):
        yield from delete_in_batches(group.of(entries), group.cutoff, pace, using)


def _archived(
    entries: AuditLogQuerySet, schedule: Schedule, pace: Pace, using: str, folder: Path
) -> Iterator[Batch]:
    with open_archive(folder, spool.identity(using)) as archive:
        left: set[UUID] = set()
        for manifest in list(archive.manifests(PENDING)):
            left.update((yield from _take_out(archive, manifest, entries, pace)))
        going = (
            entry
            for group in schedule.groups(entries)
            for entry in not_held(group.of(entries)).entries()
            if entry.id not in left
        )
        while written := archive.write(islice(going, ENTRIES_A_FILE)):
            yield from _take_out(archive, written, entries, pace, schedule.latest)


def _take_out(
    archive: Archive,
    manifest: Manifest,
    entries: AuditLogQuerySet,
    pace: Pace,
    until: datetime | None = None,
) -> Generator[Batch, None, list[UUID]]:
    """Delete what a file of `archive` holds; return what stays, for something keeps it by now."""
    log = entries_of(entries.db)
    # Once, however often a run that deletes its entries is killed.
    if not log.of_event(events.AUDIT_ARCHIVED).filter(metadata__file=manifest.file).exists():
        record_archived(manifest)
    ids = archive.ids(manifest)
    yield from delete_by_id(ids, entries, pace, entries.db, until)
    left = present(ids, log)
    if not left:
        archive.finish(manifest)
    return left


def record_archived(manifest: Manifest) -> None:
    """Record that a file of an archive counts, with its digest."""
    facts = {name: getattr(manifest, name) for name in ("file", "sha256", "count")}
    record(
        events.AUDIT_ARCHIVED,
        metadata={**facts, "first": manifest.first, "last": manifest.last},
    )


def _recorded(batches: Iterator[Batch], schedule: Schedule, using: str, **facts: Any) -> Batches:
    deleted = 0
    ending: dict[str, Any] = {"interrupted": True}
    try:
        with large_cache(connections[using]):
            for batch in batches:
                deleted += batch.count
                yield batch
        ending = {}
    except Error as error:
        ending["exception"] = type(error).__name__
        raise
    finally:
        if deleted or not ending:
            _record(schedule.cutoff, using, {"count": deleted, **facts, **ending})


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

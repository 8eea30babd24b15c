"""From drafts to durable entries: number them, give them to the sinks, else to the spool."""

from __future__ import annotations

import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence, Set
from contextlib import ExitStack, suppress
from uuid import UUID

from django.db import connections

from django_authaudit import events, replay, signals, spool, transactions
from django_authaudit.drafts import Draft
from django_authaudit.entry import Entry
from django_authaudit.formats import jsonl
from django_authaudit.guard import guard
from django_authaudit.integrity import writers
from django_authaudit.integrity.runs import ranges
from django_authaudit.pause import Pause
from django_authaudit.sinks import get_sinks
from django_authaudit.sinks.base import Sink
from django_authaudit.sinks.database import DatabaseSink, write_alias

logger = logging.getLogger("django_authaudit")

collectors: list[Callable[[Sequence[Entry]], None]] = []
"""What test helpers see: every entry, even where the database is out of bounds."""
_lost: list[Entry] = []
"""Entries that neither database nor spool took, until `audit.write_failed` names them."""
_LOOK_EVERY = 1.0
"""Seconds after which a process looks for what another has spooled; its own it knows of."""
_next_look = 0.0
_REPLAY_TRIES, _REPLAY_PAUSE = 40, 0.05
"""How often, and after how many seconds, a file is asked for that another process holds."""
_pause = Pause()
# The parent tells of what the parent lost.
os.register_at_fork(after_in_child=_lost.clear)


def deliver(drafts: Sequence[Draft]) -> None:
    """Make the entries of `drafts` durable; raises nothing but what no guard may stop."""
    alias = write_alias()
    entries = _finish_all(drafts)
    unheard = {draft.id for draft in drafts if draft.by_receiver}
    if entries and _store(entries, unheard) and not transactions.in_transaction(alias):
        _report_lost()
        _replay(alias)


def _finish_all(drafts: Sequence[Draft]) -> list[Entry]:
    entries: list[Entry] = []
    waiting = deque(drafts)
    try:
        while waiting:
            entry = _finish(waiting[0])
            waiting.popleft()
            if entry is not None:
                entries.append(entry)
    finally:
        if waiting:
            # The process is told to exit, most likely because the database does not answer.
            entries += [_as_far_as_known(draft, None) for draft in waiting]
            _spool(writers.borrow().number(entries))
    return entries


def _finish(draft: Draft) -> Entry | None:
    with guard(f"completing {draft.event.code}") as attempt:
        return draft.finish()
    return _as_far_as_known(draft, None if attempt.forbidden_by_tests else attempt.error)


def _as_far_as_known(draft: Draft, error: Exception | None) -> Entry:
    with guard(f"keeping what is known of {draft.event.code}"):
        return draft.bare(error)
    return draft.least()


def _store(entries: Sequence[Entry], unheard: Set[UUID] = frozenset()) -> bool:
    """Give `entries` to every sink; return whether the sinks took them without the spool.

    No receiver hears of those whose ids are in `unheard`.
    """
    for collect in collectors:
        collect(entries)
    writer = writers.borrow()
    with guard("signing") as signing:
        entries = writer.number(entries)
    durable: set[UUID] = set()
    smooth = True
    for sink in _sinks():
        taken, spooled = _emit(sink, entries)
        durable.update(entry.id for entry in (*(taken if sink.durable else ()), *spooled))
        smooth = smooth and len(taken) == len(entries)
    if signing.error is None and len(durable) == len(entries):
        writers.give_back(writer)
    heard = durable - unheard
    with signals.sending():
        for entry in entries:
            if entry.id in heard:
                signals.entry_recorded.send_robust(sender=Entry, entry=entry)
    return smooth


def _sinks() -> Sequence[Sink]:
    with guard("making the sinks"):
        return get_sinks()
    # A system check says what is wrong; meanwhile entries go to the database.
    return (DatabaseSink(),)


Taken = tuple[Sequence[Entry], Sequence[Entry]]
"""The entries that the sink took, and those that the spool took in its stead."""


def _emit(sink: Sink, entries: Sequence[Entry]) -> Taken:
    """Have `sink` take `entries`, or the spool in its stead, also when told to exit meanwhile.

    Nobody knows then which rows were committed: replay looks.
    """
    if sink.spools and _is_out_of_reach() and _to_spool(entries):
        return (), entries
    with ExitStack() as when_told_to_exit:
        if sink.spools:
            when_told_to_exit.callback(_spool, entries)
        taken = _attempt(sink, entries)
        when_told_to_exit.pop_all()
    return taken


def _is_out_of_reach() -> bool:
    """Return whether the database has just cost much time, or would lose rows by a rollback."""
    return transactions.by_hand(write_alias()) or _pause.under_way()


def _attempt(sink: Sink, entries: Sequence[Entry]) -> Taken:
    began = time.monotonic()
    with guard(f"{type(sink).__name__}.emit()") as attempt:
        sink.emit(entries)
    if sink.spools:
        no_answer = attempt.error is not None and connections[write_alias()].connection is None
        _pause.follow(time.monotonic() - began, failed=no_answer)
    if attempt.error is None or attempt.forbidden_by_tests:
        return entries, ()
    if isinstance(attempt.error, replay.DATA_ERRORS) and len(entries) > 1:
        pieces = [_attempt(sink, [entry]) for entry in entries]
        return [e for taken, _ in pieces for e in taken], [e for _, kept in pieces for e in kept]
    spooled = sink.spools and _spool(entries)
    if not signals.in_receiver():
        with signals.sending():
            signals.write_failed.send_robust(
                sender=type(sink), entries=entries, error=attempt.error, spooled=spooled
            )
    return (), entries if spooled else ()


def _to_spool(entries: Sequence[Entry]) -> bool:
    global _next_look
    with guard("spooling") as attempt:
        spool.append(write_alias(), entries)
        _next_look = 0.0
    return attempt.error is None


def _spool(entries: Sequence[Entry]) -> bool:
    """Have the spool take `entries`; failing that they are lost, and the log has them."""
    if _to_spool(entries):
        return True
    _lost.extend(entries)
    for entry in entries:
        logger.critical("Audit log: this entry is stored nowhere else: %s", jsonl.dumps(entry))
    return False


def _report_lost() -> None:
    """Record what was lost, once something can be stored again."""
    lost = _take_lost()
    if not lost:
        return
    draft = Draft(events.get(events.AUDIT_WRITE_FAILED), metadata=_summary(lost))
    if not _store_own(draft):
        _lost.extend(lost)


def _take_lost() -> list[Entry]:
    """Return what was lost, to nobody else: threads report at once, and each loss counts once."""
    taken: list[Entry] = []
    with suppress(IndexError):
        while True:
            taken.append(_lost.pop())
    return taken


def _summary(lost: Sequence[Entry]) -> dict[str, object]:
    numbers: dict[str, list[int]] = {}
    for entry in lost:
        numbers.setdefault(str(entry.writer), []).append(entry.sequence)
    return {
        "lost": len(lost),
        "events": dict(Counter(entry.event for entry in lost)),
        "numbers": {name: ranges(found) for name, found in numbers.items()},
    }


def _replay(alias: str) -> None:
    """Replay one file of the spool, if there is any; the next event replays the next."""
    global _next_look
    if time.monotonic() < _next_look:
        return
    if not spool.waiting(alias):
        _next_look = time.monotonic() + _LOOK_EVERY
        return
    with guard("replaying the spool"):
        result = replay.replay_file(alias)
        if result is not None:
            tell_of_replay(result)


def tell_of_replay(result: replay.Replayed) -> None:
    """Record that the spool was replayed."""
    draft = Draft(
        events.get(events.AUDIT_SPOOL_REPLAYED),
        outcome=events.FAILURE if result.rejected else None,
        metadata={
            "stored": result.stored,
            "present": result.present,
            "rejected": result.rejected,
        },
    )
    _store_own(draft)


def _store_own(draft: Draft) -> bool:
    """Store an event of the log itself: there is nothing to look up for it."""
    return _store([draft.bare(None)], {draft.id} if draft.by_receiver else frozenset())


def replay_all(alias: str, total: replay.Replayed) -> bool:
    """Replay the files of the spool into `alias` and add to `total`; return whether all were.

    The run is itself recorded, as ``audit.spool_replayed``, unless there was nothing to replay.
    Raises the database's error, OSError and SpoolError.
    """
    with suppress(FileNotFoundError):
        os.scandir(spool.folder(alias)).close()
    tries = _REPLAY_TRIES
    try:
        while spool.waiting(alias):
            result = replay.replay_file(alias)
            if result is not None:
                total.stored += result.stored
                total.present += result.present
                total.rejected += result.rejected
            elif tries := tries - 1:
                time.sleep(_REPLAY_PAUSE)
            else:
                return False
        return True
    finally:
        if total != replay.Replayed():
            tell_of_replay(total)

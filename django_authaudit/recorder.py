"""The only write path: `record()` notes an event, `flush()` makes its entry durable.

Within a request, events wait in its context until the outermost middleware flushes them, after
the view's transaction has ended. Without one they are written at once, or when the transaction
around them has ended. Nothing here raises into the caller.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.util import Finalize
from typing import Any

from asgiref.sync import sync_to_async
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest

from django_authaudit import context, events, transactions, wraps
from django_authaudit.delivery import deliver
from django_authaudit.drafts import Draft, Explain
from django_authaudit.guard import guard
from django_authaudit.sinks.database import write_alias

logger = logging.getLogger("django_authaudit")

_settled: list[Draft] = []
"""Drafts whose transaction has ended, to be written at the next safe point."""
_tasks: set[asyncio.Task[None]] = set()
"""Keeps tasks from being collected before they are done."""
_at_exit: Finalize | None = None


def _leave_to_parent() -> None:
    """Begin anew after a fork: the parent writes what the parent noted, at its own exit too."""
    global _at_exit
    _settled.clear()
    _at_exit = None


os.register_at_fork(after_in_child=_leave_to_parent)


def record(
    event: str,
    *,
    request: HttpRequest | None = None,
    user: Any = None,
    username: str = "",
    email: str = "",
    actor: Any = None,
    ip_address: str | None = None,
    outcome: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    using: str = DEFAULT_DB_ALIAS,
) -> None:
    """Record that `event` happened. Never raises, never touches the caller's transaction.

    `request` defaults to the one under way and `actor` to its signed-in user; `user` is the
    account concerned, `username` what was typed where there is none. `outcome` defaults to the
    event's own, "success" or "failure". Secrets do not belong in `metadata`; keys that name one
    are masked. `using` is the alias of the database that a state change is made in: an entry says
    whether the transaction open there was rolled back. In a coroutine without a request the entry
    is written in the loop's next turn: `arecord()` waits for it.
    """
    note(
        event,
        request=request,
        user=user,
        username=username,
        email=email,
        actor=actor,
        ip_address=ip_address,
        outcome=outcome,
        metadata=metadata,
        using=using,
    )


def note(
    event: str,
    *,
    request: Any = None,
    using: str | None = None,
    explain: Explain | None = None,
    **facts: Any,
) -> Draft | None:
    """Record as `record()` does, for a source; return the draft, until the flush still open.

    `using` is the alias of the connection that a state change was made on; `explain` learns at
    the flush what only explains.
    """
    with guard(f"recording {event}"):
        if not events.is_registered(event):
            logger.warning("Audit log: %r is recorded, but nobody registered it.", event)
        scope = context.current()
        request = context.underlying(request) or (scope.request if scope else None)
        draft = _draft(event, request=request, using=using, explain=explain, **facts)
        if request is None and (command := wraps.running_command()):
            draft.metadata.setdefault("command", command)
        if scope is not None:
            _keep(scope, draft)
        elif _in_event_loop():
            _write_soon(draft)
        elif not _hold(draft):
            _write([draft])
        return draft
    return None


async def arecord(event: str, **facts: Any) -> None:
    """Record as `record()` does, from a coroutine: the entry is durable on return."""
    await sync_to_async(record)(event, **facts)


def flush(scope: context.RequestContext) -> None:
    """Make durable what `scope` has recorded; may query, so not in an event loop."""
    with guard("flushing"):
        _write([draft for draft in _take_all(scope.pending) if not _waits(draft)])


def _waits(draft: Draft) -> bool:
    """Return what `_hold()` does; a draft that cannot even be held is written as it is."""
    with guard(f"holding {draft.event.code}"):
        return _hold(draft)
    return False


def write_settled(**kwargs: Any) -> None:
    """Write what waited for the end of a transaction, if this is a safe point to do so."""
    # What waits when the tables are emptied is forgotten with them (`forget_settled`).
    if _settled and wraps.running_command() != "flush":
        with guard("writing after a transaction"):
            _write([])


def _draft(event: str, **facts: Any) -> Draft:
    with guard(f"reading the facts of {event}") as attempt:
        return Draft(events.get(event), **facts)
    mark = {"incomplete": type(attempt.error).__name__}
    draft = Draft(events.get(event), metadata=mark, using=facts["using"])
    # Where it came from and who was signed in can be asked for all the same.
    draft.request, draft.actor = facts["request"], context.UNKNOWN
    with guard(f"naming the account of {event}"):
        draft.user_id = getattr(facts.get("user"), "pk", None)
    return draft


def _keep(scope: context.RequestContext, draft: Draft) -> None:
    """Leave `draft` to the flush of its request."""
    scope.refused = scope.refused or draft.outcome == events.FAILURE
    alias = draft.undone_by()
    if alias is not None:
        draft.fate = transactions.Fate(alias)
    scope.pending.append(draft)
    if not scope.open:
        # A worker thread of the request was still at it when the request was flushed.
        flush(scope)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _write_soon(draft: Draft) -> None:
    """Have the thread that may query write `draft`: an event loop must not."""
    _leave_to_safe_point(draft)
    task = asyncio.get_running_loop().create_task(sync_to_async(write_settled)())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def _hold(draft: Draft) -> bool:
    """Return whether `draft` has to wait for the end of a transaction, and have it wait."""
    undone_by = draft.undone_by() if draft.fate is None else None
    if undone_by is not None:
        draft.fate = transactions.Fate(undone_by)
    if draft.fate is not None and draft.fate.pending:
        awaited = draft.fate
    elif transactions.in_transaction(write_alias()):
        awaited = transactions.Fate(write_alias())
    else:
        return False
    # In a TestCase no transaction ever commits: the entry is written at once, and a second time
    # only if the block around it was rolled back, the first row with it.
    draft.test_case = transactions.test_case(awaited.alias)
    visible = draft.test_case is not None
    waits = awaited.wait(functools.partial(_on_settled, draft, awaited, visible))
    return waits and not visible


def _leave_to_safe_point(*drafts: Draft) -> None:
    """Have the next event, the end of the next request or that of the process write `drafts`."""
    global _at_exit
    _settled.extend(drafts)
    # `atexit` would not do: a worker of a process pool leaves without it.
    if _at_exit is None or not _at_exit.still_active():
        _at_exit = Finalize(None, write_settled, exitpriority=10)


def _on_settled(draft: Draft, awaited: transactions.Fate, written: bool) -> None:
    if written and not awaited.rolled_back:
        return
    _leave_to_safe_point(draft)
    if awaited.last and not awaited.rolled_back:
        write_settled()


def _write(drafts: list[Draft]) -> None:
    """Deliver `drafts` and what has settled meanwhile, or leave all to the next safe point."""
    alias = write_alias()
    if transactions.in_transaction(alias) and transactions.test_case(alias) is None:
        _leave_to_safe_point(*drafts)
        return
    waited = [draft for draft in _take_all(_settled) if _is_of_this_test(draft)]
    if transactions.in_transaction(alias):
        # In a TestCase, then; the block that they are written in may be rolled back too.
        for draft in waited:
            _waits(draft)
    deliver(sorted([*waited, *drafts], key=lambda draft: draft.id))


def _is_of_this_test(draft: Draft) -> bool:
    """Return False for what a test has left behind whose database is gone."""
    return draft.test_case is None or any(
        draft.test_case is transactions.test_case(alias) for alias in connections
    )


def _take_all(drafts: list[Draft]) -> list[Draft]:
    """Empty `drafts` and return what was in it; what two threads take, they share."""
    taken: list[Draft] = []
    # Another thread may take the last one first.
    with suppress(IndexError):
        while True:
            taken.append(drafts.pop())
    return taken[::-1]


def forget_settled(**kwargs: Any) -> None:
    """Forget what waits when the tables are emptied: `flush`, between two tests above all."""
    if "plan" not in kwargs:
        _settled.clear()

"""The only write path: `record()` notes an event, `flush()` makes its entry durable.

Within a request, events wait in its context until the outermost middleware flushes them, after
the view's transaction has ended. Without one they are written at once, or when the transaction
around them has ended. Nothing here raises into the caller.
"""

from __future__ import annotations

import functools
import logging
import os
from collections import deque
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest

from django_authaudit import context, events, transactions, wraps
from django_authaudit.delivery import deliver
from django_authaudit.drafts import Draft, Explain
from django_authaudit.guard import guard
from django_authaudit.sinks.database import write_alias

logger = logging.getLogger("django_authaudit")

_settled: deque[Draft] = deque()
"""Drafts whose transaction has ended, to be written at the next safe point."""
# The parent writes what the parent noted.
os.register_at_fork(after_in_child=_settled.clear)


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
) -> None:
    """Record that `event` happened. Never raises, never touches the caller's transaction.

    `request` defaults to the one under way and `actor` to its signed-in user; `user` is the
    account concerned, `username` what was typed where there is none. `outcome` defaults to the
    event's own, "success" or "failure". Secrets do not belong in `metadata`; keys that name one
    are masked.
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
        elif not _hold(draft):
            _write([draft])
        return draft
    return None


def flush(scope: context.RequestContext) -> None:
    """Make durable what `scope` has recorded; may query, so not in an event loop."""
    drafts, scope.pending = scope.pending, []
    with guard("flushing"):
        _write([draft for draft in drafts if not _hold(draft)])


def write_settled(**kwargs: Any) -> None:
    """Write what waited for the end of a transaction, if this is a safe point to do so."""
    if _settled:
        with guard("writing after a transaction"):
            _write([])


def _draft(event: str, **facts: Any) -> Draft:
    with guard(f"reading the facts of {event}") as attempt:
        return Draft(events.get(event), **facts)
    return Draft(events.get(event), metadata={"incomplete": type(attempt.error).__name__})


def _keep(scope: context.RequestContext, draft: Draft) -> None:
    """Leave `draft` to the flush of its request."""
    scope.refused = scope.refused or draft.outcome == events.FAILURE
    alias = draft.undone_by()
    if alias is not None:
        draft.fate = transactions.Fate(alias)
    scope.pending.append(draft)


def _hold(draft: Draft) -> bool:
    """Return whether `draft` has to wait for the end of a transaction, and have it wait."""
    alias = _awaited(draft)
    if alias is None:
        return False
    if draft.fate is None:
        draft.fate = transactions.Fate(alias)
    # In a TestCase no transaction ever commits: the entry is written at once, and a second time
    # only if the block around it was rolled back, the first row with it.
    visible = transactions.in_test_case(alias)
    draft.fate.tell = functools.partial(_on_settled, draft, visible)
    return not visible


def _awaited(draft: Draft) -> str | None:
    """Return the alias of the open transaction that `draft` must not be written before."""
    if draft.fate is not None and draft.fate.pending:
        return draft.using
    alias = draft.undone_by() if draft.fate is None else None
    if alias is not None:
        return alias
    alias = write_alias()
    return alias if transactions.in_transaction(alias) else None


def _on_settled(draft: Draft, written: bool) -> None:
    fate = draft.fate
    if fate is None or (written and not fate.rolled_back):
        return
    _settled.append(draft)
    if not fate.rolled_back and fate.last:
        write_settled()


def _write(drafts: list[Draft]) -> None:
    """Deliver `drafts` and what has settled meanwhile, or leave all to the next safe point."""
    alias = write_alias()
    if transactions.in_transaction(alias) and not transactions.in_test_case(alias):
        _settled.extend(drafts)
        return
    deliver([*_take_settled(), *drafts])


def _take_settled() -> list[Draft]:
    taken: list[Draft] = []
    while True:
        # Another thread may take the last one first.
        try:
            taken.append(_settled.popleft())
        except IndexError:
            return taken

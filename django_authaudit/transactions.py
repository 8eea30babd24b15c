"""What Django's transactions mean for an event: is one open, and was it kept?"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from weakref import WeakKeyDictionary

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

PENDING, COMMITTED, ROLLED_BACK = "pending", "committed", "rolled_back"


def in_transaction(alias: str) -> bool:
    """Return whether a real transaction is open; those of Django's TestCase are none."""
    if alias not in connections.settings:
        return False
    connection = connections[alias]
    open_blocks = len(connection.atomic_blocks)
    return connection.in_atomic_block and open_blocks > len(_test_blocks(connection))


def test_case(alias: str) -> object | None:
    """Return the block that Django's TestCase holds around the test under way, if it does."""
    blocks = _test_blocks(connections[alias])
    return blocks[-1] if blocks else None


def savepoint(alias: str) -> AbstractContextManager[object]:
    """Return a context in which a failing query does not spoil the surrounding transaction."""
    if connections[alias].in_atomic_block:
        return transaction.atomic(using=alias)
    return nullcontext()


def _test_blocks(connection: BaseDatabaseWrapper) -> list[object]:
    return [block for block in connection.atomic_blocks if getattr(block, "_from_testcase", False)]


# Fates not yet settled, per connection: the last one of a commit writes for all.
_unsettled: WeakKeyDictionary[BaseDatabaseWrapper, int] = WeakKeyDictionary()


class Fate:
    """Whether the transaction open at construction was kept.

    Django has no signal for a rollback. It drops the callbacks of ``on_commit()`` though
    (BaseDatabaseWrapper.savepoint_rollback, rollback, close), and a dropped callback is
    collected at once: its finalizer is the news. The finalizer runs inside the rollback, so
    whoever is told must not use the connection.
    """

    __slots__ = ("__weakref__", "_connection", "state", "tell")

    def __init__(self, alias: str) -> None:
        connection = connections[alias]
        self.state = PENDING
        self.tell: Callable[[], None] | None = None
        self._connection = connection
        _unsettled[connection] = _unsettled.get(connection, 0) + 1
        test_blocks = len(_test_blocks(connection))

        def committed() -> None:
            self._settle(COMMITTED)

        def dropped() -> None:
            # The end of a TestCase rolls back what the test has seen as kept.
            ended = len(connection.atomic_blocks) < test_blocks
            self._settle(COMMITTED if ended else ROLLED_BACK, silently=ended)

        connection.on_commit(committed, robust=True)
        weakref.finalize(committed, dropped).atexit = False

    @property
    def alias(self) -> str:
        """The alias of the connection."""
        return str(self._connection.alias)

    @property
    def pending(self) -> bool:
        """Whether the transaction is still open."""
        return self.state == PENDING and in_transaction(self.alias)

    @property
    def rolled_back(self) -> bool:
        """Whether the transaction was rolled back; what is unsettled reads as kept."""
        return self.state == ROLLED_BACK

    @property
    def last(self) -> bool:
        """Whether no other event waits for a transaction of the same connection."""
        return not _unsettled.get(self._connection)

    def _settle(self, state: str, *, silently: bool = False) -> None:
        if self.state != PENDING:
            return
        self.state = state
        _unsettled[self._connection] -= 1
        if self.tell is not None and not silently:
            self.tell()

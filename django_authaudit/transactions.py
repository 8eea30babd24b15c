"""What Django's transactions mean for an event: is one open, and was it kept?"""

from __future__ import annotations

import threading
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
    return _is_open(connections[alias])


def by_hand(alias: str) -> bool:
    """Return whether autocommit is off: nobody says then when a transaction ends, or how."""
    connection = connections[alias]
    if connection.connection is None:
        return not connection.settings_dict["AUTOCOMMIT"]
    ends_itself = connection.in_atomic_block and connection.commit_on_exit
    return not connection.autocommit and not ends_itself


def _is_open(connection: BaseDatabaseWrapper) -> bool:
    if not (connection.in_atomic_block and connection.commit_on_exit):
        return False
    return len(connection.atomic_blocks) > len(_test_blocks(connection))


def test_case(alias: str) -> object | None:
    """Return the block that Django's TestCase holds around the test under way, if it does."""
    blocks = _test_blocks(connections[alias])
    return blocks[-1] if blocks else None


def savepoint(alias: str) -> AbstractContextManager[object]:
    """Return a context in which a failing query does not spoil the surrounding transaction."""
    if connections[alias].in_atomic_block or by_hand(alias):
        return transaction.atomic(using=alias)
    return nullcontext()


def _test_blocks(connection: BaseDatabaseWrapper) -> list[object]:
    return [block for block in connection.atomic_blocks if getattr(block, "_from_testcase", False)]


def _put_first(connection: BaseDatabaseWrapper) -> None:
    """Have the newest callback run before all others.

    One of another app that raises has Django drop all that follow, though their transaction was
    committed (BaseDatabaseWrapper.run_and_clear_commit_hooks).
    """
    connection.run_on_commit.insert(0, connection.run_on_commit.pop())


# Fates not yet settled, per connection: the last one of a commit writes for all.
_unsettled: WeakKeyDictionary[BaseDatabaseWrapper, int] = WeakKeyDictionary()


class Fate:
    """Whether the transaction open at construction was kept.

    Django has no signal for a rollback. It drops the callbacks of ``on_commit()`` though
    (BaseDatabaseWrapper.savepoint_rollback, rollback, close), and a dropped callback is
    collected at once: its finalizer is the news. The finalizer runs inside the rollback, so
    whoever is told must not use the connection.

    The thread that settles it need not be the one that waits for it: a request's worker threads
    share its context, and have connections of their own.
    """

    __slots__ = ("__weakref__", "_connection", "_lock", "_tell", "state")

    def __init__(self, alias: str) -> None:
        connection = connections[alias]
        self.state = PENDING
        self._tell: Callable[[], None] | None = None
        self._lock = threading.Lock()
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
        if not test_blocks:
            # In a TestCase none is ever run, and captureOnCommitCallbacks() counts on their order.
            _put_first(connection)
        weakref.finalize(committed, dropped).atexit = False

    @property
    def alias(self) -> str:
        """The alias of the connection."""
        return str(self._connection.alias)

    @property
    def pending(self) -> bool:
        """Whether the transaction is still open."""
        return self.state == PENDING and _is_open(self._connection)

    def wait(self, tell: Callable[[], None]) -> bool:
        """Have `tell` called when it is settled; return False if it is already."""
        with self._lock:
            if self.state != PENDING:
                return False
            self._tell = tell
            return True

    @property
    def rolled_back(self) -> bool:
        """Whether the transaction was rolled back; what is unsettled reads as kept."""
        return self.state == ROLLED_BACK

    @property
    def last(self) -> bool:
        """Whether no other event waits for a transaction of the same connection."""
        return not _unsettled.get(self._connection)

    def _settle(self, state: str, *, silently: bool = False) -> None:
        with self._lock:
            if self.state != PENDING:
                return
            self.state = state
        _unsettled[self._connection] -= 1
        if self._tell is not None and not silently:
            self._tell()

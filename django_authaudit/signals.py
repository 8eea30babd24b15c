"""The package's own signals; both are sent with ``send_robust()``."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.dispatch import Signal

# Emitted when an entry is durable: committed to the database, or synced to the spool.
# Sent once per entry, never again at replay, and not for what a receiver of ours records.
# Arguments:
# - entry: Entry
entry_recorded = Signal()

# Emitted when a sink refused entries, once per failed attempt; not while a receiver of ours runs.
# Arguments:
# - entries: list[Entry], what the sink refused
# - error: Exception, why
# - spooled: bool, True when the entries are safe on disk, False when only the log has them
write_failed = Signal()

_in_receiver: ContextVar[bool] = ContextVar("django_authaudit.in_receiver", default=False)


def in_receiver() -> bool:
    """Return whether a receiver of one of these signals is at work.

    What it records is stored like anything else, but no signal is sent for it: a receiver that
    records whatever it is told of would never end.
    """
    return _in_receiver.get()


@contextmanager
def sending() -> Iterator[None]:
    """Mark what receivers do inside as theirs."""
    token = _in_receiver.set(True)
    try:
        yield
    finally:
        _in_receiver.reset(token)

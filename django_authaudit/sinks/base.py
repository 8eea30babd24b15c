"""What a sink is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from django.core.checks import CheckMessage

from django_authaudit.entry import Entry


class Sink(ABC):
    """Takes entries somewhere. It is made once per process, with its OPTIONS."""

    in_line: bool = True
    """Does it take entries before the response leaves? If not, ``ship_audit_log`` brings them.

    A sink's ``IN_LINE`` in the settings overrides it.
    """
    spools: bool = False
    """Does what the sink refuses go to the spool, to be replayed into the database?"""
    durable: bool = True
    """Does what it took outlast the process?"""
    batch_size: int = 500
    """Entries that ``ship_audit_log`` brings at once, at most."""

    @abstractmethod
    def emit(self, entries: Sequence[Entry]) -> None:
        """Store all of `entries` durably, or raise and store none of them.

        To ``ship_audit_log``, `exceptions.RejectedError` says that these very entries are never
        taken, and anything else that they have to be sent again.
        """

    def check(self) -> Iterable[CheckMessage]:
        """Return what is wrong with the sink's options."""
        return ()


class NetworkSink(Sink):
    """A sink that waits for another machine, as no request may."""

    in_line = False

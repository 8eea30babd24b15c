"""What a sink is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from django.core.checks import CheckMessage

from django_authaudit.entry import Entry


class Sink(ABC):
    """Takes entries somewhere. It is made once per process, with its OPTIONS."""

    spools: bool = False
    """Does what the sink refuses go to the spool, to be replayed into the database?"""

    @abstractmethod
    def emit(self, entries: Sequence[Entry]) -> None:
        """Store all of `entries` durably, or raise and store none of them."""

    def check(self) -> Iterable[CheckMessage]:
        """Return what is wrong with the sink's options."""
        return ()

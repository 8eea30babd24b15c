"""Number the entries of a process, so that a missing one leaves a gap.

A flush borrows a writer and gives it back only when its entries are durable. So no flush waits
for another, and a killed process can lack only a tail that nobody was told of, never a hole.
"""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import replace

from django_authaudit.entry import Entry


class Writer:
    """A name for a run of numbers: 1, 2, 3, ..."""

    __slots__ = ("id", "sequence")

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.sequence = 0

    def number(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return `entries` with this writer, the next numbers, and a fresh salt each."""
        numbered = []
        for entry in entries:
            self.sequence += 1
            numbered.append(
                replace(entry, writer=self.id, sequence=self.sequence, salt=secrets.token_hex(16))
            )
        return numbered


# A list's append() and pop() are atomic, so the pool needs no lock.
_idle: list[Writer] = []


def borrow() -> Writer:
    """Return an idle writer of this process, or a new one."""
    try:
        return _idle.pop()
    except IndexError:
        return Writer()


def give_back(writer: Writer) -> None:
    """Make `writer` available again; one that is not given back is never used again."""
    _idle.append(writer)


# A forked child must not go on with its parent's numbers.
os.register_at_fork(after_in_child=_idle.clear)

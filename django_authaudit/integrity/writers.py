"""Number and sign the entries of a process, so that a missing or edited one shows.

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
from django_authaudit.integrity.keys import signing_key
from django_authaudit.integrity.leaf import PURPOSE, content_of, leaf_of


class Writer:
    """A name for a run of numbers: 1, 2, 3, ..."""

    __slots__ = ("id", "sequence")

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.sequence = 0

    def number(self, entries: Iterable[Entry]) -> list[Entry]:
        """Return `entries` with this writer, the next numbers, a fresh salt each, and signed."""
        numbered = []
        for entry in entries:
            self.sequence += 1
            numbered.append(self._signed(entry, self.sequence, secrets.token_hex(16)))
        return numbered

    def _signed(self, entry: Entry, sequence: int, salt: str) -> Entry:
        place = {"writer": str(self.id), "sequence": sequence, "salt": salt}
        leaf = leaf_of({**content_of(entry), **place})
        return replace(
            entry,
            writer=self.id,
            sequence=sequence,
            salt=salt,
            leaf=leaf,
            signature=signing_key().sign(PURPOSE, bytes.fromhex(leaf)),
        )


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

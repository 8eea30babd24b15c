"""Runs of numbers: what a seal says of the entries of one writer, and what went in a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LEAF_LENGTH = 64
"""Hexadecimal digits of a leaf."""

Place = tuple[str, int, str]
"""The writer, the number and the leaf of an entry."""
Stretch = tuple[int, int]
"""A first and a last number."""


class Run(NamedTuple):
    """Entries of one writer whose numbers follow each other without a hole."""

    writer: str
    first: int
    last: int
    digest: str
    """SHA-256 over the leaves in the order of the numbers."""
    leaves: str = ""
    """The leaves themselves, one after another, where they are kept."""

    @property
    def size(self) -> int:
        """How many entries it is."""
        return self.last - self.first + 1

    def leaf(self, number: int) -> str:
        """Return the leaf of the entry of that number; the leaves have to be kept."""
        start = (number - self.first) * LEAF_LENGTH
        return self.leaves[start : start + LEAF_LENGTH]

    def part(self, first: int, last: int) -> Run:
        """Return the run of `first` to `last` within this one, whose leaves have to be kept."""
        start, end = (number * LEAF_LENGTH for number in (first - self.first, last - self.first))
        leaves = self.leaves[start : end + LEAF_LENGTH]
        return Run(self.writer, first, last, digest_of(leaves), leaves)

    def split(self, stretches: Iterable[Stretch]) -> Iterator[tuple[Run, Stretch | None]]:
        """Yield the parts of the run, each with the one of `stretches` that it lies in, if any.

        `stretches` come in order and do not overlap.
        """
        number = self.first
        for first, last in stretches:
            if last < number or first > self.last:
                continue
            if first > number:
                yield self.part(number, first - 1), None
            yield self.part(max(number, first), min(last, self.last)), (first, last)
            number = min(last, self.last) + 1
        if number <= self.last:
            yield self.part(number, self.last), None


def digest_of(leaves: str) -> str:
    """Return the digest of `leaves`, one after another in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(leaves)).hexdigest()


def runs_of(places: Iterable[Place]) -> Iterator[Run]:
    """Yield the runs that `places` make, with their leaves, by writer and number.

    Of a number that comes twice the first leaf counts.
    """
    writer, first, last = "", 0, 0
    leaves: list[str] = []
    for its_writer, number, leaf in sorted(places):
        if its_writer != writer or number > last + 1:
            if leaves:
                yield _run(writer, first, leaves)
            writer, first, leaves = its_writer, number, []
        elif number == last:
            continue
        last = number
        leaves.append(leaf)
    if leaves:
        yield _run(writer, first, leaves)


def _run(writer: str, first: int, leaves: list[str]) -> Run:
    joined = "".join(leaves)
    return Run(writer, first, first + len(leaves) - 1, digest_of(joined), joined)


def digest_of_runs(runs: Iterable[Run]) -> str:
    """Return what a seal signs of its runs, which have to come by writer and first number."""
    digest = hashlib.sha256()
    for run in runs:
        digest.update(f"{run.writer} {run.first} {run.last} {run.digest}\n".encode())
    return digest.hexdigest()


def ranges(numbers: Iterable[int]) -> list[list[int]]:
    """Return `numbers` as the first and last of each stretch without a hole."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number <= found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found

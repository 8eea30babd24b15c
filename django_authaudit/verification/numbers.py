"""The numbers of one writer: each there once, and what was sealed of them unchanged."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import NamedTuple

from django_authaudit.integrity.runs import LEAF_LENGTH, Run, Stretch
from django_authaudit.verification.problems import Kind, Problem
from django_authaudit.verification.stretches import without_all


class Gap(NamedTuple):
    """Numbers that are not there; they may have a reason not to be."""

    writer: str
    first: int
    last: int
    time: str | None
    """Of the entry before it."""
    at_start: bool
    at_end: bool


class Return(NamedTuple):
    """An entry that is there, though it was pruned."""

    writer: str
    number: int
    time: str


Finding = Problem | Gap | Return
_NO_MORE: tuple[Run | None, int | None] = (None, None)


@dataclass
class Known:
    """What the seals say of one writer, by number."""

    sealed: list[tuple[Run, int]] = field(default_factory=list)
    """Runs, and the number of the seal of each."""
    pruned: list[Run] = field(default_factory=list)
    erased: list[Run] = field(default_factory=list)
    too_young: list[Stretch] = field(default_factory=list)
    """What was pruned, and cannot have been old enough."""

    @property
    def top(self) -> int:
        """The highest number that was sealed or pruned."""
        runs = [*self.pruned, *(run for run, _ in self.sealed)]
        return max((run.last for run in runs), default=0)

    def is_pruned(self, number: int) -> bool:
        """Return whether pruning took the entry of that number."""
        return any(run.first <= number <= run.last for run in self.pruned)

    def is_erased(self, number: int, leaf: str) -> bool:
        """Return whether the entry of that number, which has that leaf, was erased."""
        runs = (run for run in self.erased if run.first <= number <= run.last)
        return any(run.leaf(number) == leaf for run in runs)


class Numbers:
    """Goes upwards along the numbers of one writer, and collects what it finds."""

    def __init__(self, writer: str, known: Known, start: int = 1) -> None:
        self.writer = writer
        self.known = known
        self.found: list[Finding] = []
        self._last = start - 1
        self._time: str | None = None
        self._from_the_start = start == 1
        self._doubtful: list[Stretch] = []
        self._runs = iter(known.sealed)
        self._run: Run | None = None
        self._seal: int | None = None
        self._digest, self._fed = hashlib.sha256(), 0
        self._turn()

    def meet(self, number: int, leaf: str, time: str) -> int | None:
        """Take in an entry as it was signed; return the number of its seal, if it has one."""
        if number <= self._last or (self._doubtful and self._is_doubtful(number)):
            self._problem(Kind.DUPLICATED, number, number)
        if number <= self._last:
            return self._seal
        if number != self._last + 1 or self._doubtful:
            self._leave_out(number - 1)
        if self.known.pruned and self.known.is_pruned(number):
            self.found.append(Return(self.writer, number, time))
        self._last, self._time = number, time
        return self._feed(number, leaf)

    def doubt(self, number: int) -> None:
        """Take in an entry whose number may be a lie: it can fill a hole, but not make one."""
        before = self._doubtful[-1][1] if self._doubtful else self._last
        if number <= before:
            self._problem(Kind.DUPLICATED, number, number)
        elif number == before + 1 and self._doubtful:
            self._doubtful[-1] = (self._doubtful[-1][0], number)
        else:
            self._doubtful.append((number, number))

    def _is_doubtful(self, number: int) -> bool:
        return any(first <= number <= last for first, last in self._doubtful)

    def finish(self) -> None:
        """Look for what is missing at the end."""
        self._leave_out(self.known.top, at_end=True)
        for first, last in self.known.too_young:
            self._problem(Kind.EDITED, first, last, "dated back, and pruned")
        while self._run is not None:
            self._turn()

    def _leave_out(self, last: int, *, at_end: bool = False) -> None:
        """Take in that nothing was met up to the number `last`."""
        if last > self._last:
            for run in self.known.pruned:
                if self._last < run.first <= last:
                    self._feed_pruned(run)
            excused = [(run.first, run.last) for run in self.known.pruned] + self._doubtful
            for first, end in without_all([(self._last + 1, last)], excused):
                at_start = first == 1 and self._from_the_start
                ends = at_end and end == last
                self.found.append(Gap(self.writer, first, end, self._time, at_start, ends))
        self._doubtful = [stretch for stretch in self._doubtful if stretch[1] > last + 1]

    def _feed(self, number: int, leaf: str) -> int | None:
        """Add `leaf` to the digest of the run that its number lies in."""
        while self._run is not None and number > self._run.last:
            self._turn()
        if self._run is None or number < self._run.first:
            return None
        self._digest.update(bytes.fromhex(leaf))
        self._fed += 1
        return self._seal

    def _feed_pruned(self, run: Run) -> None:
        for start in range(0, len(run.leaves), LEAF_LENGTH):
            number = run.first + start // LEAF_LENGTH
            self._feed(number, run.leaves[start : start + LEAF_LENGTH])
        if not run.leaves:
            while self._run is not None and run.first > self._run.last:
                self._turn()
            whole = self._run
            same = whole is not None and (whole.first, whole.last) == (run.first, run.last)
            if same and whole is not None and whole.digest != run.digest:
                detail = "what was pruned is not what was sealed"
                self._problem(Kind.EDITED, run.first, run.last, detail)

    def _turn(self) -> None:
        """Be done with the run under way, and turn to the next."""
        run = self._run
        if run is not None and self._fed == run.size and self._digest.hexdigest() != run.digest:
            detail = "signed anew since it was sealed"
            self._problem(Kind.EDITED, run.first, run.last, detail)
        self._digest, self._fed = hashlib.sha256(), 0
        self._run, self._seal = next(self._runs, _NO_MORE)

    def _problem(self, kind: Kind, first: int, last: int, detail: str = "") -> None:
        self.found.append(
            Problem(
                kind=kind,
                detail=detail,
                writer=self.writer,
                first=first,
                last=last,
                time=self._time,
            )
        )

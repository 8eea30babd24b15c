"""How old entries were when they were pruned, by what the seals say of either.

Sealing looks no further back than LOOK_BACK before the seal of before, and pruning takes nothing
from after its cutoff. So what was sealed too late for a cutoff was not that old, whatever its time
said when it went: somebody had dated it back.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django_authaudit.entry import EPOCH
from django_authaudit.integrity.runs import Run, Stretch

_MILLISECOND = timedelta(milliseconds=1)

Sealed = tuple[Run, int]
"""A run and the number of its seal."""


class Moments:
    """A moment for each of many seals, in 16 bytes."""

    def __init__(self) -> None:
        self._numbers, self._times = array("q"), array("q")

    def note(self, number: int, moment: datetime) -> None:
        """Keep the moment of a seal, whose number is higher than those before."""
        self._numbers.append(number)
        self._times.append((moment - EPOCH) // _MILLISECOND)

    def of(self, number: int) -> int | None:
        """Return the milliseconds of the seal of that number, if it has a moment."""
        place = bisect_left(self._numbers, number)
        known = place < len(self._numbers) and self._numbers[place] == number
        return self._times[place] if known else None


class Ages:
    """What the seals, taken in order, say of the age of entries."""

    def __init__(self) -> None:
        self.since = Moments()
        """From when on a seal has looked for entries."""
        self.until = Moments()
        """Up to when a pruning took entries."""

    def too_young(self, sealed: Sequence[Sealed], pruned: Sequence[Sealed]) -> Iterator[Stretch]:
        """Yield the numbers of what was pruned and cannot have been that old; in order all."""
        place = 0
        for gone, pruning in pruned:
            while place < len(sealed) and sealed[place][0].last < gone.first:
                place += 1
            at, limit = place, self.until.of(pruning)
            while limit is not None and at < len(sealed) and sealed[at][0].first <= gone.last:
                run, number = sealed[at]
                begin = self.since.of(number)
                # The cutoff was cut to a millisecond.
                if begin is not None and begin > limit:
                    yield max(run.first, gone.first), min(run.last, gone.last)
                at += 1

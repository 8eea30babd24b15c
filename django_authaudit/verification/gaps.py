"""Why numbers are not there: spooled, lost and said so, pruned meanwhile, or taken away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django_authaudit import events
from django_authaudit.entry import EPOCH, first_id_at
from django_authaudit.formats.base import iso_time
from django_authaudit.integrity.condition import Condition, condition_of
from django_authaudit.integrity.rows import Reader
from django_authaudit.integrity.runs import Stretch, ranges
from django_authaudit.integrity.seals import statement_of, time_in
from django_authaudit.models import AuditLog, AuditSeal, SealedRun
from django_authaudit.verification.chain import Chain
from django_authaudit.verification.numbers import Gap, Return
from django_authaudit.verification.problems import Kind, Problem
from django_authaudit.verification.spooled import Named, spooled
from django_authaudit.verification.stretches import without_all

Open = tuple[Gap, list[Stretch]]
"""A gap, and what of it nothing explains so far."""


class Gaps:
    """Settles what a gap is, as things stand when it is asked."""

    def __init__(self, using: str, chain: Chain) -> None:
        self._using = using
        self._chain = chain
        self._lost = _declared_lost(using)
        self._oldest = _oldest(using)
        self.pending = 0
        """Numbers whose entries lie in the spool."""
        self.lost = 0
        """Numbers that `audit.write_failed` names."""

    def settle(self, gaps: Iterable[Gap]) -> Iterator[Problem]:
        """Yield the gaps that nothing explains."""
        unexplained = [(gap, [(gap.first, gap.last)]) for gap in gaps]
        # Twice, for a file of the spool is renamed when it is replayed.
        for _ in range(2):
            unexplained = self._still_unexplained(unexplained)
        for gap, stretches in unexplained:
            for stretch in stretches:
                yield self._problem(gap, stretch)

    def _still_unexplained(self, asked: list[Open]) -> list[Open]:
        if not asked:
            return []
        # First the spool, then the table: entries go from one to the other.
        waiting = spooled(self._using)
        left = []
        for gap, stretches in asked:
            rest, self.pending = _explained(stretches, waiting.get(gap.writer), self.pending)
            rest, self.lost = _explained(rest, self._lost.get(gap.writer), self.lost)
            rest = without_all(rest, self._pruned(gap))
            rest = without_all(rest, self._there_now(gap))
            if rest:
                left.append((gap, rest))
        return left

    def is_there(self, found: Return) -> bool:
        """Return whether an entry that was pruned is there still, or again."""
        entries = AuditLog.objects.using(self._using)
        return entries.filter(writer=found.writer, sequence=found.number).exists()

    def _pruned(self, gap: Gap) -> list[Stretch]:
        runs = self._runs(gap, AuditSeal.PRUNED)
        return [(run.first, run.last) for run in runs if self._chain.trusts(run.seal_id)]

    def _there_now(self, gap: Gap) -> list[Stretch]:
        found = AuditLog.objects.using(self._using).filter(
            writer=gap.writer, sequence__range=(gap.first, gap.last)
        )
        numbers = found.values_list("sequence", flat=True)
        return [(first, last) for first, last in ranges(numbers)]

    def _problem(self, gap: Gap, stretch: Stretch) -> Problem:
        first, last = stretch
        kind = Kind.MISSING
        if gap.at_start and first == gap.first and self._is_older_than_the_log(gap, stretch):
            kind = Kind.UNRECORDED
        elif gap.at_end and last == gap.last and gap.time is not None:
            kind = Kind.TAIL_CUT
        return Problem(kind=kind, writer=gap.writer, first=first, last=last, time=gap.time)

    def _is_older_than_the_log(self, gap: Gap, stretch: Stretch) -> bool:
        """Return whether all that is missing was sealed before the oldest entry happened."""
        runs = [
            run
            for run in self._runs(gap, AuditSeal.SEALED).select_related("seal")
            if self._chain.trusts(run.seal_id)
        ]
        if list(without_all([stretch], [(run.first, run.last) for run in runs])):
            return False
        oldest = self._oldest
        return oldest is None or all(_time_of(run.seal) <= oldest for run in runs)

    def _runs(self, gap: Gap, kind: str) -> Any:
        return SealedRun.objects.using(self._using).filter(
            seal__kind=kind, writer=gap.writer, first__lte=gap.last, last__gte=gap.first
        )


def _explained(
    open_: list[Stretch], reason: list[Stretch] | None, count: int
) -> tuple[list[Stretch], int]:
    """Return what is left of `open_`, and `count` with what is not."""
    if not reason:
        return open_, count
    rest = without_all(open_, reason)
    return rest, count + _size(open_) - _size(rest)


def _size(stretches: list[Stretch]) -> int:
    return sum(last - first + 1 for first, last in stretches)


def _declared_lost(using: str) -> Named:
    lost: Named = defaultdict(list)
    for row in Reader(using).by_number("event = %s", [events.AUDIT_WRITE_FAILED]):
        if condition_of(row) is Condition.INTACT:
            for writer, stretches in row.content["metadata"].get("numbers", {}).items():
                lost[writer] += [(first, last) for first, last in stretches]
    return lost


def _oldest(using: str) -> str | None:
    rows = Reader(using).by_id(first_id_at(EPOCH), None, 1)
    return rows[0].content["created_at"] if rows else None


def _time_of(seal: AuditSeal) -> str:
    moment: datetime = time_in(statement_of(seal)["created_at"])
    return iso_time(moment)

"""Verify the whole log: the seals, then the entries of each writer by their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django_authaudit.integrity.rows import Page, Reader, Row
from django_authaudit.models import AuditSeal
from django_authaudit.verification.anchored import compare
from django_authaudit.verification.chain import Chain
from django_authaudit.verification.gaps import Gaps
from django_authaudit.verification.gone import writers_without_entries
from django_authaudit.verification.judge import Judge
from django_authaudit.verification.known import known_of
from django_authaudit.verification.numbers import Gap, Numbers, Return
from django_authaudit.verification.problems import Kind, Problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_GONE = (Kind.MISSING, Kind.TAIL_CUT, Kind.UNRECORDED)
_AT_ONCE = 500
"""Gaps that are settled together, since the spool is read for them."""


@dataclass
class Summary:
    """What was looked at and what was found, in numbers."""

    entries: int = 0
    seals: int = 0
    sealed: int = 0
    """Entries that a seal covers."""
    pending: int = 0
    """Entries newer than the last seal, and numbers whose entries are spooled."""
    late: int = 0
    """Entries that came after the seal of their time, and are in none."""
    erased: int = 0
    pruned: int = 0
    lost: int = 0
    """Entries that were never stored, as the log itself says."""
    problems: dict[str, int] = field(default_factory=dict)
    """How many there are of each kind."""

    def __str__(self) -> str:
        return (
            f"Entries verified: {self.entries} ({self.sealed} sealed, {self.pending} pending, "
            f"{self.late} late, {self.erased} erased). Pruned: {self.pruned}. "
            f"Lost: {self.lost}. Seals: {self.seals}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)


class Verification:
    """One look at the log in the database `using`, entry by entry, in constant memory.

    `since` leaves out the entries of before, `anchored` are the seals that were kept outside the
    database, and with `public_key` nothing is believed but what its private half has sealed.
    """

    def __init__(
        self,
        *,
        using: str,
        since: datetime | None = None,
        anchored: Iterable[AuditSeal] = (),
        public_key: Ed25519PublicKey | None = None,
        tell: Callable[[Summary], None] = lambda summary: None,
    ) -> None:
        self.summary = Summary()
        self._using = using
        self._since = since
        self._anchored = anchored
        self._tell = tell
        self._chain = Chain(using, public_key, since)
        self._judge = Judge(using, self._chain, self.summary, trust_seals_alone=bool(public_key))
        self._gaps: list[Gap] = []
        self._returns: list[Return] = []

    def problems(self) -> Iterator[Problem]:
        """Yield everything that is wrong, and go on after it; `summary` counts."""
        counts = self.summary.problems
        for problem in self._all():
            counts[problem.kind.value] = counts.get(problem.kind.value, 0) + 1
            yield problem

    def _all(self) -> Iterator[Problem]:
        yield from self._chain.check()
        self.summary.seals, self.summary.pruned = self._chain.count, self._chain.pruned
        yield from compare(self._anchored, self._using)
        self._settler = Gaps(self._using, self._chain)
        yield from self._entries()
        yield from self._settle()
        yield from self._gone()
        self.summary.pending += self._settler.pending
        self.summary.lost = self._settler.lost
        yield from self._unknown_seals()

    def _entries(self) -> Iterator[Problem]:
        numbers: Numbers | None = None
        for page in self._pages():
            known = known_of(page.writers, self._using, self._chain)
            for row in page.rows:
                writer = row.content["writer"]
                if numbers is None or writer != numbers.writer:
                    yield from self._finished(numbers)
                    numbers = Numbers(writer, known[writer], self._start(row))
                yield from self._judge.problems(row, numbers)
                if numbers.found:
                    yield from self._taken(numbers)
            self._tell(self.summary)
        yield from self._finished(numbers)

    def _start(self, row: Row) -> int:
        """Return from which number on those of a writer are looked for, whose first is `row`."""
        number = row.content["sequence"]
        return number if self._since is not None and type(number) is int else 1

    def _pages(self) -> Iterator[Page]:
        reader = Reader(self._using)
        return reader.pages() if self._since is None else reader.pages_since(self._since)

    def _finished(self, numbers: Numbers | None) -> Iterator[Problem]:
        if numbers is not None:
            numbers.finish()
            yield from self._taken(numbers)

    def _taken(self, numbers: Numbers) -> Iterator[Problem]:
        """Yield the problems that `numbers` found, and keep what is to be settled."""
        found, numbers.found = numbers.found, []
        for finding in found:
            if isinstance(finding, Problem):
                yield finding
            elif isinstance(finding, Gap):
                self._gaps.append(finding)
            else:
                self._returns.append(finding)
        if len(self._gaps) + len(self._returns) >= _AT_ONCE:
            yield from self._settle()

    def _settle(self) -> Iterator[Problem]:
        gaps, self._gaps = self._gaps, []
        returns, self._returns = self._returns, []
        if gaps:
            yield from self._settler.settle(gaps)
        for there in returns:
            if self._settler.is_there(there):
                detail = "it had been pruned"
                yield Problem(
                    kind=Kind.FORGED,
                    writer=there.writer,
                    first=there.number,
                    time=there.time,
                    detail=detail,
                )

    def _gone(self) -> Iterator[Problem]:
        """Yield what is missing of writers of whom nothing is left."""
        everything = not self.summary.sealed and self._since is None
        count = 0
        for problem in self._of_the_gone():
            if everything and problem.kind in _GONE:
                count += problem.size
            else:
                yield problem
        if count:
            yield Problem(kind=Kind.EMPTIED, detail=f"{count} sealed entries are gone")

    def _of_the_gone(self) -> Iterator[Problem]:
        first_seal = self._chain.first_since
        if not first_seal:
            return
        for writers in writers_without_entries(self._using, self._chain, self._since):
            known = known_of(writers, self._using, self._chain, since=first_seal)
            for writer in writers:
                runs = known[writer].sealed
                start = runs[0][0].first if runs and self._since is not None else 1
                yield from self._finished(Numbers(writer, known[writer], start))
            yield from self._settle()

    def _unknown_seals(self) -> Iterator[Problem]:
        """Yield the seals that entries of the log tell of, and that are not there."""
        newest = AuditSeal.objects.using(self._using).order_by("-number").first()
        last = newest.number if newest is not None else 0
        if self._judge.newest_seal > last:
            yield Problem(
                kind=Kind.SEAL_MISSING,
                first=last + 1,
                last=self._judge.newest_seal,
                detail="entries of the log tell of them",
            )

"""Each entry by itself: is it as it was signed, and by a key that had a say?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from django_authaudit import events
from django_authaudit.formats.base import iso_time
from django_authaudit.integrity.condition import Condition, condition_of, leaf_matches
from django_authaudit.integrity.erasures import is_marked
from django_authaudit.integrity.keys import key_id, signing_keys
from django_authaudit.integrity.rows import Row
from django_authaudit.integrity.sealing import LOOK_BACK
from django_authaudit.verification.chain import Chain
from django_authaudit.verification.known import known_of
from django_authaudit.verification.numbers import Numbers
from django_authaudit.verification.problems import Kind, Problem

if TYPE_CHECKING:
    from django_authaudit.verification.log import Summary

_WRONG = {Condition.EDITED: Kind.EDITED, Condition.FORGED: Kind.FORGED}


class Judge:
    """Judges entries, and counts them in `summary`."""

    def __init__(
        self, using: str, chain: Chain, summary: Summary, *, trust_seals_alone: bool
    ) -> None:
        self._using = using
        self._chain = chain
        self._summary = summary
        self._trust_seals_alone = trust_seals_alone
        self.newest_seal = 0
        """The highest number of a seal that an entry tells of."""

    def problems(self, row: Row, numbers: Numbers) -> Iterator[Problem]:
        """Take `row` in, as one of `numbers`, and yield what is wrong with it."""
        self._summary.entries += 1
        condition = self._condition(row, numbers)
        number = row.content["sequence"]
        if condition in _WRONG:
            yield _problem(row, _WRONG[condition])
            if numbers.writer and type(number) is int and number > 0:
                numbers.doubt(number)
            return
        seal = numbers.meet(number, row.leaf, row.content["created_at"])
        self._count(row, seal)
        if condition is Condition.ERASED:
            self._summary.erased += 1
            if not self._is_erased(row, numbers):
                yield _problem(row, Kind.EDITED, "erased without a record")
        if self._chain.epochs.is_late(row.signature, seal):
            yield _problem(row, Kind.FORGED, "its key had been retired")
        if row.content["event"] == events.AUDIT_SEALED:
            self._note_seal(row)

    def _condition(self, row: Row, numbers: Numbers) -> Condition:
        if not (self._trust_seals_alone and _key_is_unknown(row)):
            return condition_of(row)
        if type(row.content["sequence"]) is not int:
            return Condition.EDITED
        if leaf_matches(row):
            return Condition.INTACT
        # What is left of it was signed with a key that is not here.
        looks_erased = is_marked(row.signature) and not row.content["salt"]
        erased = looks_erased and self._is_erased(row, numbers)
        return Condition.ERASED if erased else Condition.EDITED

    def _count(self, row: Row, seal: int | None) -> None:
        if seal is not None:
            self._summary.sealed += 1
        elif row.content["created_at"] < iso_time(self._chain.until - LOOK_BACK):
            self._summary.late += 1
        else:
            self._summary.pending += 1

    def _is_erased(self, row: Row, numbers: Numbers) -> bool:
        number = row.content["sequence"]
        if numbers.known.is_erased(number, row.leaf):
            return True
        # It may have been erased since the seals of its writer were read.
        known = known_of([numbers.writer], self._using, self._chain)
        return known[numbers.writer].is_erased(number, row.leaf)

    def _note_seal(self, row: Row) -> None:
        number = row.content["metadata"].get("number")
        if type(number) is int:
            self.newest_seal = max(self.newest_seal, number)


def _key_is_unknown(row: Row) -> bool:
    return isinstance(row.signature, str) and key_id(row.signature) not in signing_keys()


def _problem(row: Row, kind: Kind, detail: str = "") -> Problem:
    content = row.content
    number = content["sequence"]
    return Problem(
        kind=kind,
        detail=detail,
        entry=str(content["id"]),
        writer=str(content["writer"]),
        first=number if type(number) is int else None,
        time=str(content["created_at"]),
    )

"""The seals of the log against those that were kept outside the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from django_authaudit.integrity import seals
from django_authaudit.models import AuditLog, AuditSeal
from django_authaudit.verification.problems import Kind, Problem

_AT_ONCE = 500


def compare(anchored: Iterable[AuditSeal], using: str) -> Iterator[Problem]:
    """Yield in what the log's seals differ from those that are `anchored`."""
    newest = AuditSeal.objects.using(using).order_by("-number").first()
    last = newest.number if newest is not None else 0
    beyond = 0
    anchored = iter(anchored)
    while some := list(islice(anchored, _AT_ONCE)):
        known = _hashes(some, using)
        for seal in some:
            if seal.number > last:
                beyond = max(beyond, seal.number)
            # One that is gone is missing in the chain, which says so.
            elif known.get(seal.number, seals.hash_of(seal)) != seals.hash_of(seal):
                detail = "it is not the one that was anchored"
                yield Problem(kind=Kind.SEAL_BROKEN, first=seal.number, detail=detail)
    if beyond:
        yield _cut(last, beyond, using)


def _hashes(some: list[AuditSeal], using: str) -> dict[int, str]:
    numbers = [seal.number for seal in some]
    found = AuditSeal.objects.using(using).filter(number__in=numbers)
    return {seal.number: seals.hash_of(seal) for seal in found}


def _cut(last: int, beyond: int, using: str) -> Problem:
    if not last and not AuditLog.objects.using(using).exists():
        detail = f"the anchor knows seals up to {beyond}"
        return Problem(kind=Kind.EMPTIED, detail=detail)
    detail = f"the log ends at seal {last}, and the anchor knows {beyond}"
    return Problem(kind=Kind.RESTORED, first=last + 1, last=beyond, detail=detail)

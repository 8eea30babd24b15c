"""What pruning took: a seal that names it, so that verification misses nothing else.

A run that pruning took whole is named by its digest, which has to be that of its seal. Of one that
it took in part the leaves are kept, 32 bytes an entry, so that the seal of the run can still be
checked with the entries that stay. They tell nothing: the salt is gone with the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django_authaudit.integrity import seals
from django_authaudit.integrity.runs import LEAF_LENGTH, Run, runs_of
from django_authaudit.integrity.sealed import with_sealed
from django_authaudit.models import AuditSeal


def record(
    taken: Iterable[tuple[UUID | str | None, int, str]],
    *,
    using: str,
    until: datetime | None = None,
) -> AuditSeal | None:
    """Add a seal that names the pruned entries `taken`: writer, number and leaf of each.

    `until` is the cutoff that they were older than: what cannot have been is found by it.

    To be called in the transaction that deletes, with exactly what it deleted. Returns None if
    none of them was numbered and signed: nobody misses such. Raises as `seals.append()` does.
    """
    before = seals.lock_chain(using)
    places = (
        (str(writer), number, leaf)
        for writer, number, leaf in taken
        if writer and type(number) is int and _is_leaf(leaf)
    )
    runs = list(_named(list(runs_of(places)), using))
    if not runs:
        return None
    return seals.append(before, AuditSeal.PRUNED, runs, using=using, until=until)


def _is_leaf(text: Any) -> bool:
    # SQLite keeps whatever type somebody has written there.
    try:
        return len(text) == LEAF_LENGTH and bool(bytes.fromhex(text))
    except (ValueError, TypeError):
        return False


def _named(runs: Sequence[Run], using: str) -> Iterator[Run]:
    for run, sealed in with_sealed(runs, using):
        for part, whole in run.split(sealed):
            in_part = whole is not None and whole != (part.first, part.last)
            yield part if in_part else part._replace(leaves="")

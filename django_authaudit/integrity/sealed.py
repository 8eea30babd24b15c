"""Which numbers the seals cover already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_

from django.db.models import Q

from django_authaudit.integrity.runs import Run, Stretch
from django_authaudit.models import AuditSeal, SealedRun

_RUNS_A_QUERY = 50


def with_sealed(runs: Sequence[Run], using: str) -> Iterator[tuple[Run, list[Stretch]]]:
    """Yield each of `runs` with the sealed runs that it touches."""
    for start in range(0, len(runs), _RUNS_A_QUERY):
        some = runs[start : start + _RUNS_A_QUERY]
        found: dict[str, list[Stretch]] = defaultdict(list)
        for writer, first, last in _touched(some, using):
            found[str(writer)].append((first, last))
        for run in some:
            yield run, found[run.writer]


def _touched(runs: Sequence[Run], using: str) -> Iterator[tuple[object, int, int]]:
    conditions = [Q(writer=run.writer, first__lte=run.last, last__gte=run.first) for run in runs]
    sealed = SealedRun.objects.using(using).filter(seal__kind=AuditSeal.SEALED)
    found = sealed.filter(reduce(or_, conditions)).order_by("writer", "first")
    yield from found.values_list("writer", "first", "last").distinct()

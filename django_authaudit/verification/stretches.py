"""Stretches of numbers, given by their first and last, and what is left of one without others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from django_authaudit.integrity.runs import Stretch


def without(stretch: Stretch, others: Iterable[Stretch]) -> Iterator[Stretch]:
    """Yield what is left of `stretch` without `others`, whatever their order."""
    first, last = stretch
    for start, end in sorted(others):
        if end < first:
            continue
        if start > last:
            break
        if start > first:
            yield first, start - 1
        first = end + 1
    if first <= last:
        yield first, last


def without_all(stretches: Iterable[Stretch], others: Iterable[Stretch]) -> list[Stretch]:
    """Return what is left of `stretches` without `others`."""
    others = list(others)
    return [rest for stretch in stretches for rest in without(stretch, others)]

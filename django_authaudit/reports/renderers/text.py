"""Columns, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django_authaudit.reports.document import Section


def render(title: str, sections: Sequence[Section], data: Mapping[str, Any]) -> str:
    """Return the sections as columns."""
    return "\n".join(line for section in sections for line in _lines(section)) + "\n"


def _lines(section: Section) -> Iterator[str]:
    yield section.title
    widths = [max(map(len, column)) for column in zip(*section.rows, strict=True)]
    for row in section.rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()
    if section.sentence:
        yield section.sentence
    yield ""

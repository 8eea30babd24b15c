"""Markdown with tables (GitHub Flavored Markdown), for a page or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django_authaudit.reports.document import Section

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~])")


def render(title: str, sections: Sequence[Section], data: Mapping[str, Any]) -> str:
    """Return the sections as Markdown; what a visitor typed stays what it is."""
    lines = [f"# {_escape(title)}", ""]
    for section in sections:
        lines += _lines(section)
    return "\n".join(lines)


def _lines(section: Section) -> Iterator[str]:
    yield from (f"## {_escape(section.title)}", "")
    if section.sentence:
        yield from (_escape(section.sentence), "")
    if section.rows:
        yield _row(section.heads)
        yield _row(["---"] * len(section.heads))
        yield from (_row([_escape(cell) for cell in row]) for row in section.rows)
        yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))

"""How a report is shown: one module a format, found by being here.

Each has `render(title, sections, data)`: the words, or the plain data behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django_authaudit.cleaning import show_unsafe
from django_authaudit.reports.document import Section


def names() -> tuple[str, ...]:
    """Return the names of the formats."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def render(name: str, title: str, sections: Iterable[Section], data: Mapping[str, Any]) -> str:
    """Return the report in the format `name`; nothing in it acts on a terminal."""
    safe = tuple(map(_safe, sections))
    shown: str = import_module(f"{__name__}.{name}").render(title, safe, data)
    return shown


def _safe(section: Section) -> Section:
    """Return `section` with what an edited row or a receiver's answer may hold made visible."""
    rows = tuple(tuple(map(show_unsafe, row)) for row in section.rows)
    return replace(section, sentence=show_unsafe(section.sentence), rows=rows)

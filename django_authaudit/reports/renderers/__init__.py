"""How a report is shown: one module a format, found by being here.

Each has `render(title, sections, data)`: the words, or the plain data behind them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django_authaudit.reports.document import Section


def names() -> tuple[str, ...]:
    """Return the names of the formats."""
    return tuple(sorted(module.name for module in iter_modules(__path__)))


def render(name: str, title: str, sections: Iterable[Section], data: Mapping[str, Any]) -> str:
    """Return the report in the format `name`."""
    shown: str = import_module(f"{__name__}.{name}").render(title, tuple(sections), data)
    return shown

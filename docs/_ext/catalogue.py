"""The directive ``events``: a table of the catalogue, as the code has it.

Its argument is one or more beginnings of codes. A line of its body, ``code: text``, says which
``reason`` that event can have.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import django_authaudit
from django_authaudit import events

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGE = Path(django_authaudit.__file__).parent
HEADINGS = ("Event", "Outcome", "Kind, severity", "OWASP name", "Recorded by")


def recorders() -> dict[str, set[str]]:
    """Return what records each event, by its code: sources, or else other modules."""
    found: dict[str, set[str]] = {}
    others: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        kind = found if path.parent.name == "sources" else others
        for code in _codes_in(path) if path.name != "events.py" else ():
            kind.setdefault(code, set()).add(path.stem)
    return {**others, **found}


def _codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        owner = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Attribute) and isinstance(owner, ast.Name):
            code = getattr(events, node.attr, "") if owner.id == "events" else ""
            if isinstance(code, str) and events.is_registered(code):
                yield code


def chosen(prefixes: Iterable[str]) -> list[events.Event]:
    """Return the events whose code begins with one of `prefixes`, in the catalogue's order."""
    return [event for event in events.registered() if event.code.startswith(tuple(prefixes))]


def rows(prefixes: Iterable[str], reasons: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table as Markdown."""
    by = recorders()
    for event in chosen(prefixes):
        reason = reasons.get(event.code)
        yield (
            f"`{event.code}`<br>{event.label}" + (f"<br>`reason`: {reason}" if reason else ""),
            event.outcome,
            f"{'change' if event.changes_state else 'fact'}, {event.severity}",
            f"`{event.owasp}`" if event.owasp else "-",
            ", ".join(f"`{name}`" for name in sorted(by.get(event.code, ()))) or "-",
        )


class EventsDirective(SphinxDirective):
    """Renders the table."""

    required_arguments = 1
    optional_arguments = 9
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table; an unknown code or a prefix of nothing is an error."""
        reasons = dict(line.split(": ", 1) for line in self.content if line.strip())
        codes = {event.code for event in chosen(self.arguments)}
        if not codes or not codes.issuperset(reasons):
            raise self.error(f"No such event: {sorted({*reasons} - codes) or self.arguments}")
        lines = [HEADINGS, ("---",) * len(HEADINGS), *rows(self.arguments, reasons)]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return self.parse_text_to_nodes(text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    from django.conf import settings

    # The labels of the events are translatable: without a language they are as written.
    if not settings.configured:
        settings.configure(USE_I18N=False)
    app.add_directive("events", EventsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

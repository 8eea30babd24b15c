"""Three directives that print what the code knows of itself.

``events`` is a table of the catalogue. Its argument is one or more beginnings of codes; a line of
its body, ``code: text``, says which ``reason`` that event can have. ``sources`` is a table of what
is listened to, and of what it cannot see. ``mapping`` is a table of what each event is to OCSF and
ECS.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import django_authaudit
from django_authaudit import events, mapping, sources

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGE = Path(django_authaudit.__file__).parent
EVENT_HEADINGS = ("Event", "Outcome", "Kind, severity", "OWASP name", "Recorded by")
SOURCE_HEADINGS = ("Source", "Listens to", "Cannot see")
MAPPING_HEADINGS = ("Event", "OCSF class, activity", "ECS categories", "ECS types")
COVERAGE_HEADINGS = ("Source", "Listens to", "Records")


def recorders() -> dict[str, list[str]]:
    """Return what records each event, by its code: sources, or the log's own modules."""
    found: dict[str, list[str]] = {}
    for name, source in sources.discover().items():
        for code in source.records:
            found.setdefault(code, []).append(name)
    for path in sorted(PACKAGE.glob("*.py")):
        for code in _own_codes_in(path) if path.name != "events.py" else ():
            found.setdefault(code, []).append(path.stem)
    return found


def _own_codes_in(path: Path) -> set[str]:
    """Return the events of the log itself that the text of `path` names."""
    codes = (
        getattr(events, node.attr, "")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )
    return {code for code in codes if isinstance(code, str) and code.startswith("audit.")}


def chosen(prefixes: Iterable[str]) -> list[events.Event]:
    """Return the events whose code begins with one of `prefixes`, in the catalogue's order."""
    return [event for event in events.registered() if event.code.startswith(tuple(prefixes))]


def event_rows(prefixes: Iterable[str], reasons: Mapping[str, str]) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of events as Markdown."""
    by = recorders()
    for event in chosen(prefixes):
        reason = reasons.get(event.code)
        yield (
            f"`{event.code}`<br>{event.label}" + (f"<br>`reason`: {reason}" if reason else ""),
            event.outcome,
            f"{'change' if event.changes_state else 'fact'}, {event.severity}",
            f"`{event.owasp}`" if event.owasp else "-",
            ", ".join(f"`{name}`" for name in by.get(event.code, ())) or "-",
        )


def source_rows() -> Iterator[Sequence[str]]:
    """Yield the rows of the table of what the sources cannot see as Markdown."""
    for name, source in sources.discover().items():
        yield f"`{name}`", f"`{source.requires}`", source.blind or "-"


def coverage_rows() -> Iterator[Sequence[str]]:
    """Yield the rows of the table of what the sources record as Markdown."""
    for name, source in sources.discover().items():
        codes = ", ".join(f"`{code}`" for code in sorted(source.records))
        yield f"`{name}`", f"`{source.requires}`", codes or "-"


def mapping_rows() -> Iterator[Sequence[str]]:
    """Yield the rows of the table of what each event is to others as Markdown."""
    for key, row in mapping.ROWS.items():
        code, _, kind = key.partition(" ")
        name = f"`{code}`" + (f" of a {kind}" if kind else "")
        yield name, "{}, {}".format(*row.ocsf), ", ".join(row.categories), ", ".join(row.types)


class TableDirective(SphinxDirective):
    """Renders a table of Markdown."""

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[nodes.Node]:
        """Return the nodes of the table."""
        lines = [headings, ["---"] * len(headings), *rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return self.parse_text_to_nodes(text)


class EventsDirective(TableDirective):
    """Renders events; an unknown code or a prefix of nothing is an error."""

    required_arguments = 1
    optional_arguments = 9
    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        reasons = dict(line.split(": ", 1) for line in self.content if line.strip())
        codes = {event.code for event in chosen(self.arguments)}
        if not codes or not codes.issuperset(reasons):
            raise self.error(f"No such event: {sorted({*reasons} - codes) or self.arguments}")
        return self.table(EVENT_HEADINGS, event_rows(self.arguments, reasons))


class SourcesDirective(TableDirective):
    """Renders the sources, and what they cannot see, or with ``records`` what they can."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        if self.arguments == ["records"]:
            return self.table(COVERAGE_HEADINGS, coverage_rows())
        return self.table(SOURCE_HEADINGS, source_rows())


class MappingDirective(TableDirective):
    """Renders what each event is to others."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        return self.table(MAPPING_HEADINGS, mapping_rows())


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    from django.conf import settings

    # The labels of the events are translatable: without a language they are as written.
    if not settings.configured:
        settings.configure(USE_I18N=False)
    app.add_directive("events", EventsDirective)
    app.add_directive("sources", SourcesDirective)
    app.add_directive("mapping", MappingDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

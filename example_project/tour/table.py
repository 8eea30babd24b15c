"""Entries as an aligned table that fits the terminal."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from django_authaudit.models import AuditLog
from tour.terminal import printable, styled, width

GAP = "  "
DOTTED = ("backend", "exception", "view")
CHARACTERS_OF_A_HASH = 8


class Column(NamedTuple):
    """A column: its heading, its text for an entry, and what becomes of it for want of room."""

    heading: str
    text: Callable[[AuditLog], str]
    narrowest: int = 0
    """Characters to which it may be cut; 0: never cut."""
    spared: int = 0
    """Columns go in the order of this number; 0: never."""


def details(entry: AuditLog) -> str:
    """Return what the metadata says, the reason first, in as few words as possible."""
    told = dict(entry.metadata)
    words = [str(told.pop("reason"))] if "reason" in told else []
    role = told.pop("role", None)
    if isinstance(role, Mapping):
        words.append(f"{role.get('kind')} {role.get('name')}")
    if "old" in told and "new" in told:
        words.append(f"{told.pop('old') or '(none)'} -> {told.pop('new') or '(none)'}")
    return ", ".join([*words, *(f"{name}={brief(name, told[name])}" for name in told)])


def brief(name: str, value: Any) -> str:
    """Return a value of the metadata without JSON's punctuation, dotted paths or whole hashes."""
    if isinstance(value, Mapping):
        return " ".join(f"{key} {brief(key, inner)}" for key, inner in value.items())
    if isinstance(value, list):
        return " + ".join(brief(name, inner) for inner in value)
    if name in DOTTED:
        return str(value).rpartition(".")[2]
    if name.endswith("_hash"):
        return str(value)[:CHARACTERS_OF_A_HASH] + "…"
    return str(value)


COLUMNS = (
    Column("time", lambda entry: f"{entry.created_at:%H:%M:%S}", spared=4),
    Column("event", lambda entry: entry.event),
    Column("outcome", lambda entry: entry.outcome, spared=2),
    Column("user", lambda entry: entry.username or entry.email or "-", narrowest=12),
    Column("actor", lambda entry: entry.actor_username or "-", narrowest=12, spared=3),
    Column("address", lambda entry: entry.ip_address or "-"),
    Column("path", lambda entry: f"{entry.method} {entry.path}".strip() or "-", 16, spared=1),
    Column("details", details, narrowest=24),
)


def table(entries: Sequence[AuditLog]) -> Iterator[str]:
    """Yield the lines of the table: a heading, a rule, one line an entry, and what is left out."""
    texts = {
        column: [column.heading, *(printable(column.text(entry)) for entry in entries)]
        for column in COLUMNS
    }
    widths = fitted({column: max(map(len, cells)) for column, cells in texts.items()})
    lines = [line([texts[column][row] for column in widths], widths) for row in rows(texts)]
    yield styled(lines[0], "bold")
    yield styled(GAP.join("─" * size for size in widths.values()), "faint")
    for entry, text in zip(entries, lines[1:], strict=True):
        yield styled(text, *(["yellow"] if entry.outcome == "failure" else []))
    missing = [column.heading for column in COLUMNS if column not in widths]
    if missing:
        yield styled(f"Left out, for want of width: {', '.join(missing)}.", "faint")


def rows(texts: Mapping[Column, Sequence[str]]) -> range:
    """Return the numbers of the rows, the heading's first."""
    return range(min(map(len, texts.values())))


def line(texts: Sequence[str], widths: Mapping[Column, int]) -> str:
    """Return one line, each text cut or filled to its width."""
    cut = (
        text if len(text) <= size else text[: size - 1] + "…"
        for text, size in zip(texts, widths.values(), strict=True)
    )
    filled = (text.ljust(size) for text, size in zip(cut, widths.values(), strict=True))
    return GAP.join(filled).rstrip()


def fitted(widths: dict[Column, int]) -> dict[Column, int]:
    """Return the widths that fit the terminal, if need be with fewer and narrower columns."""
    room = width()
    if room is None:
        return widths
    for column in sorted((c for c in COLUMNS if c.spared), key=lambda c: c.spared):
        if taken(least(widths)) > room:
            widths = {other: size for other, size in widths.items() if other is not column}
    for column in reversed(list(widths)):
        excess = max(0, taken(widths) - room)
        widths[column] = max(widths[column] - excess, least(widths)[column])
    return widths


def least(widths: Mapping[Column, int]) -> dict[Column, int]:
    """Return the widths of columns that are cut as far as they may be."""
    return {column: min(size, column.narrowest or size) for column, size in widths.items()}


def taken(widths: Mapping[Column, int]) -> int:
    """Return the length of a line of columns as wide as this."""
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)

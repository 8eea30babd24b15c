"""Tracks: the entries of one value in an indexed column, in order of time, from any point on.

PostgreSQL takes ``event = 'x' ORDER BY id DESC LIMIT 100`` for a reason to walk the whole table
backwards by its key, dropping what is not `x`, when its statistics call `x` common. If a flood of
other entries came after the last `x`, that walk is as long as the flood. In the order of both
columns, and with ``event = ANY (ARRAY['x', 'x'])``, which it does not take for a constant, only
the index (event, id) gives that order, from the very entry that a page begins with to the one that
it ends before. MariaDB and SQLite read the plain form from the index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, Expression, F, Func, Value

_WALKS_THE_KEY = "postgresql"
FIRST_ID = UUID(int=0)
PAST_LAST_ID = UUID(int=2**128 - 1)


class Span(NamedTuple):
    """Entries from the one with the id `start` up to, but not including, that of `end`."""

    start: UUID = FIRST_ID
    end: UUID = PAST_LAST_ID

    def before(self, id: UUID) -> Span:
        """Return the part that is older than the entry `id`."""
        return Span(self.start, min(self.end, id))

    def after(self, id: UUID) -> Span:
        """Return the part that is newer than the entry `id`."""
        return self.since(UUID(int=min(id.int + 1, PAST_LAST_ID.int)))

    def since(self, id: UUID) -> Span:
        """Return the part from the entry `id` on."""
        return Span(max(self.start, id), self.end)


ALWAYS = Span()


@dataclass(frozen=True)
class Track:
    """The entries whose `column`, which has an index, holds `value`; without a column, all."""

    column: str = ""
    value: Any = None

    def newest(self, entries: Any, span: Span = ALWAYS) -> Any:
        """Return those of `entries` within `span`, newest first."""
        found = self._within(entries, span)
        return (
            found.order_by(f"-{self.column}", "-pk")
            if self._paired(entries)
            else found.order_by("-pk")
        )

    def oldest(self, entries: Any, span: Span = ALWAYS) -> Any:
        """Return those of `entries` within `span`, oldest first."""
        found = self._within(entries, span)
        return found.order_by(self.column, "pk") if self._paired(entries) else found.order_by("pk")

    def _paired(self, entries: Any) -> bool:
        return bool(self.column) and connections[entries.db].vendor == _WALKS_THE_KEY

    def _within(self, entries: Any, span: Span) -> Any:
        if self._paired(entries):
            entries = entries.filter(self._holds(entries))
        elif self.column:
            entries = entries.filter(**{self.column: self.value})
        if span.start != FIRST_ID:
            entries = entries.filter(pk__gte=span.start)
        return entries.filter(pk__lt=span.end) if span.end != PAST_LAST_ID else entries

    def _holds(self, entries: Any) -> Expression:
        value = Value(self.value, _column(entries, self.column))
        return _Equals(F(self.column), _AnyOf(value, value))


class _AnyOf(Func):
    """Any of a list of values."""

    template = "ANY (ARRAY[%(expressions)s])"


class _Equals(Func):
    """A comparison of its two parts."""

    template = "(%(expressions)s)"
    arg_joiner = " = "
    output_field = BooleanField()


def _column(entries: Any, name: str) -> Any:
    field = entries.model._meta.get_field(name)
    return getattr(field, "target_field", field)

"""A page of the entries that answer to conditions, and their number, within bounds.

One condition is answered from the index of its column. Where there are more, the index of the
rarest is read, and what else is asked of its entries is looked at one by one: `WINDOW` of them at
most, so that no combination costs more than that. What is older is left to the next page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connections
from django.utils.functional import cached_property

from django_authaudit.tracks import ALWAYS, FIRST_ID, Span, Track

BOUND = 10_000
"""As far as entries are counted."""
WINDOW = 10_000
"""As many entries of a track are looked at for what else is asked of them."""
BY_RARITY = (
    "request_id",
    "session_ref",
    "user_id",
    "actor_id",
    "username",
    "ip_address",
    "event",
    "outcome",
)
"""Columns with an index; where two are asked for, that of the first is read."""


@dataclass(frozen=True)
class Selection:
    """Which entries are asked for: within `span`, with all of `columns`, on any of `tracks`."""

    columns: Mapping[str, Any] = field(default_factory=dict)
    span: Span = ALWAYS
    tracks: tuple[Track, ...] | None = None
    """None: no more is asked than what the columns say; empty: nothing can be found."""

    def where(self, column: str, value: Any) -> Selection:
        """Return the part whose `column`, one of `BY_RARITY`, holds `value`."""
        return replace(self, columns={**self.columns, column: value})

    def on_any(self, tracks: tuple[Track, ...]) -> Selection:
        """Return the part that is on any of `tracks`."""
        return replace(self, tracks=tracks)

    def nothing(self) -> Selection:
        """Return the selection that no entry is in."""
        return replace(self, tracks=())


@dataclass(frozen=True)
class Page:
    """Entries, newest first, and where to read on."""

    entries: list[Any]
    older: UUID | None = None
    """The page before this id follows; None: there is nothing older."""
    newer: UUID | None = None
    """The page after this id precedes; None: there is nothing newer."""
    cut: bool = False
    """Whether it ends where the window does, not because it is full."""


@dataclass(frozen=True)
class Count:
    """How many entries there are, as far as they were counted."""

    number: int
    more: bool = False
    """Whether there are more, past the bound."""
    at_least: bool = False
    """Whether there may be more, past the window."""


class Reader:
    """Reads the entries of one selection, each page for the same price."""

    def __init__(self, entries: Any, selection: Selection) -> None:
        self._entries = entries
        self._span = selection.span
        rest = dict(selection.columns)
        if selection.tracks is None:
            lead = next((name for name in BY_RARITY if name in rest), "")
            self._tracks: tuple[Track, ...] = (Track(lead, rest.pop(lead, None)),)
        else:
            self._tracks = selection.tracks
        self._rest = rest

    def newest(self, size: int) -> Page:
        """Return the page that the list begins with."""
        return self.before(self._span.end, size)

    def before(self, id: UUID, size: int) -> Page:
        """Return the page that begins with the first entry older than `id`."""
        found, edge = self._take(self._span.before(id), size + 1, backwards=True)
        entries, full = found[:size], len(found) > size
        newer = None
        if id < self._span.end:
            newer = entries[0].pk if entries else UUID(int=max(id.int - 1, 0))
        return Page(
            entries, entries[-1].pk if full else edge, newer, cut=not full and edge is not None
        )

    def after(self, id: UUID, size: int) -> Page:
        """Return the page that ends with the first entry newer than `id`, or the newest page."""
        found, edge = self._take(self._span.after(id), size + 1, backwards=False)
        entries, full = found[:size][::-1], len(found) > size
        if not full and edge is None:
            return self.newest(size)
        older = None
        if id != FIRST_ID:
            older = entries[-1].pk if entries else UUID(int=id.int + 1)
        return Page(entries, older, entries[0].pk if full else edge, cut=not full)

    @cached_property
    def count(self) -> Count:
        """The number of entries, as far as `BOUND`, and within one window."""
        if self._rest:
            ids, edge = self._newest_window
            return Count(len(ids), at_least=edge is not None)
        numbers: dict[str, int] = {}
        for track in self._tracks:
            number = self._ids(track, self._span, backwards=True)[: BOUND + 1].count()
            numbers[track.column] = numbers.get(track.column, 0) + number
            if numbers[track.column] > BOUND:
                return Count(BOUND, more=True)
        if sum(map(bool, numbers.values())) > 1:
            number = self._different()
            return Count(min(number, BOUND), more=number > BOUND)
        return Count(sum(numbers.values()))

    def _take(self, span: Span, number: int, *, backwards: bool) -> tuple[list[Any], UUID | None]:
        """Return the first entries of `span`, and the end of the window if it ends there."""
        edge = None
        if self._rest:
            ids, edge = self._window(span, backwards=backwards)
        elif len(self._tracks) == 1:
            return list(self._read(self._tracks[0], span, backwards)[:number]), None
        else:
            ids = self._merged(span, number, backwards=backwards)
        wanted = sorted(ids, reverse=backwards)[:number]
        entries = self._entries.filter(pk__in=wanted)
        return list(entries.order_by("-pk" if backwards else "pk")), edge

    @cached_property
    def _newest_window(self) -> tuple[set[UUID], UUID | None]:
        return self._look(self._span, backwards=True)

    def _window(self, span: Span, *, backwards: bool) -> tuple[set[UUID], UUID | None]:
        newest = backwards and span == self._span
        return self._newest_window if newest else self._look(span, backwards=backwards)

    def _look(self, span: Span, *, backwards: bool) -> tuple[set[UUID], UUID | None]:
        """Look at the first `WINDOW` entries of `span` on the tracks, one by one.

        Return the ids of those with the other columns that are asked for, and the id as far as
        was looked; None: at all. The database would compare them too, but reads other indexes
        from end to end for it, not knowing how short the window is.
        """
        depth = max(1, WINDOW // max(1, len(self._tracks)))
        wanted, edges = [*self._rest.values()], []
        found: set[UUID] = set()
        for track in self._tracks:
            columns = self._read(track, span, backwards).values_list("pk", *self._rest)
            rows = list(columns[:depth])
            edges += [rows[-1][0]] if len(rows) == depth else []
            found.update(id for id, *values in rows if values == wanted)
        if not edges:
            return found, None
        edge = max(edges) if backwards else min(edges)
        return {id for id in found if (id >= edge if backwards else id <= edge)}, edge

    def _read(self, track: Track, span: Span, backwards: bool) -> Any:
        return (track.newest if backwards else track.oldest)(self._entries, span)

    def _ids(self, track: Track, span: Span, backwards: bool) -> Any:
        return self._read(track, span, backwards).values_list("pk", flat=True)

    def _different(self) -> int:
        """Return how many entries are on any of the tracks, a bounded number of each."""
        each = [
            self._ids(track, self._span, backwards=True)[: BOUND + 1] for track in self._tracks
        ]
        if self._unites_parts:
            return int(each[0].union(*each[1:]).count())
        return len(set(chain.from_iterable(each)))

    def _merged(self, span: Span, number: int, *, backwards: bool) -> set[UUID]:
        """Return the ids of the first `number` entries of each track."""
        each = [self._ids(track, span, backwards)[:number] for track in self._tracks]
        if len(each) > 1 and self._unites_parts:
            each = [each[0].union(*each[1:], all=True)]
        return set(chain.from_iterable(each))

    @property
    def _unites_parts(self) -> bool:
        """Whether one statement can hold the first rows of several tracks."""
        return connections[self._entries.db].features.supports_slicing_ordering_in_compound

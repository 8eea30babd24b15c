"""The numbers that pictures of the log are drawn from, without HTML.

Each is one query over a range of the primary key that holds `MOST` entries at most, so that a
flood makes the range shorter and not the page slower. What a figure covers, it says.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from itertools import chain
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import Case, Count, Max, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Trunc
from django.utils.timezone import localtime, now

from django_authaudit import events
from django_authaudit.entry import first_id_at, time_of
from django_authaudit.models import AuditLog
from django_authaudit.tracks import Span, Track

MOST = 50_000
"""Entries that figures are counted from."""
TOP = 10
_A_DAY = timedelta(days=1)
_AN_HOUR = timedelta(hours=1)
_RECENT_ADDRESSES = 50
"""Addresses that are looked up for whether they are new: those seen last."""


@dataclass(frozen=True)
class Period:
    """How far back a figure goes, in bars of what length, counted in what unit."""

    name: str
    length: timedelta
    bar: timedelta
    unit: str


HOUR = Period("hour", timedelta(hours=1), timedelta(minutes=5), "minute")
DAY = Period("day", timedelta(days=1), timedelta(hours=1), "hour")
WEEK = Period("week", timedelta(days=7), timedelta(days=1), "hour")
PERIODS = {period.name: period for period in (HOUR, DAY, WEEK)}


@dataclass(frozen=True)
class Range:
    """The entries from `start` up to, but not including, `end`."""

    start: datetime
    end: datetime
    cut: bool = False
    """Whether it begins later than was asked, for there are too many entries."""

    @property
    def span(self) -> Span:
        """The same in ids."""
        return Span(first_id_at(self.start), first_id_at(self.end))


@dataclass(frozen=True)
class Bar:
    """How many entries of either outcome a part of the range has."""

    start: datetime
    end: datetime
    successes: int = 0
    failures: int = 0


class Rank(NamedTuple):
    """How often something failed, or occurred."""

    key: Any
    """The key of an account, the address, or the code of the reason."""
    name: str
    number: int


class Seen(NamedTuple):
    """An address that was never seen before the range."""

    address: str
    first: datetime
    number: int


def latest(period: Period, *, most: int = MOST, until: datetime | None = None) -> Range:
    """Return the range of the last `period`, or as much of it as has `most` entries."""
    end = until or now() + timedelta(milliseconds=1)
    asked = Range(_floor(end - period.length, period), end)
    edge = Track().newest(AuditLog.objects.all(), asked.span).values_list("pk", flat=True)
    for id in edge[most - 1 : most]:
        # Within one millisecond may be more: the next one begins whole.
        return Range(time_of(id) + timedelta(milliseconds=1), end, cut=True)
    return asked


def over_time(found: Range, period: Period) -> list[Bar]:
    """Return the entries by outcome in bars of the period's length, oldest first."""
    bars = _empty_bars(found, period)
    starts = [bar.start.timestamp() for bar in bars]
    for moment, outcome, number in _by_unit(found, period.unit):
        index = max(0, bisect_right(starts, moment.timestamp()) - 1)
        bars[index] = _added(bars[index], outcome, number)
    return bars


def by_hour_of_week(found: Range) -> dict[tuple[int, int], Bar]:
    """Return the entries by weekday (Monday is 0) and hour of the site, oldest first."""
    cells: dict[tuple[int, int], Bar] = {}
    for moment, outcome, number in _by_unit(found, "hour"):
        local = localtime(moment)
        start = local.replace(minute=0)
        empty = Bar(start, start + _AN_HOUR)
        cell = cells.get((local.weekday(), local.hour), empty)
        cells[local.weekday(), local.hour] = _added(cell, outcome, number)
    return cells


def failing_accounts(found: Range) -> list[Rank]:
    """Return the accounts, or the typed names without one, for which most failed."""
    name = Case(When(username="", then="email"), default="username")
    named = _failed(found).annotate(name=name).exclude(name="").values_list("user_id", "name")
    counted = named.annotate(number=Count("pk")).order_by("-number", "name")
    return [Rank(key, name, number) for key, name, number in counted[:TOP]]


def failing_addresses(found: Range) -> list[Rank]:
    """Return the addresses from which most failed."""
    placed = _failed(found).exclude(ip_address=None).values_list("ip_address")
    counted = placed.annotate(number=Count("pk")).order_by("-number", "ip_address")
    return [Rank(address, address, number) for address, number in counted[:TOP]]


def failures_by_reason(found: Range) -> list[Rank]:
    """Return why it failed, the most frequent reason first; the event where none is given."""
    reason = KeyTextTransform("reason", "metadata")
    grouped = _failed(found).annotate(reason=reason).values_list("event", "reason")
    counted: Counter[tuple[str, str]] = Counter()
    for code, why, number in grouped.annotate(number=Count("pk")).order_by():
        counted[("", why) if why else (code, "")] += number
    return [Rank(code, why, number) for (code, why), number in counted.most_common(TOP)]


def new_addresses(found: Range) -> list[Seen]:
    """Return the addresses seen last that the log did not know before, newest first."""
    entries = AuditLog.objects.all()
    placed = _within(found).exclude(ip_address=None).values_list("ip_address")
    counted = placed.annotate(number=Count("pk"), last=Max("created_at")).order_by("-last")
    numbers = {address: number for address, number, _ in counted[:_RECENT_ADDRESSES]}
    first = [
        Track("ip_address", address).oldest(entries).values_list("ip_address", "pk")[:1]
        for address in numbers
    ]
    seen = [Seen(address, time_of(id), numbers[address]) for address, id in _together(first)]
    new = [found_now for found_now in seen if found_now.first >= found.start]
    return sorted(new, key=lambda address: address.first, reverse=True)[:TOP]


def roles_granted(found: Range) -> list[AuditLog]:
    """Return the newest entries of granted roles."""
    track = Track("event", events.ROLE_GRANTED)
    return list(track.newest(AuditLog.objects.all(), found.span)[:TOP])


def _together(parts: list[Any]) -> Iterable[Any]:
    """Return the rows of several queries, by one statement where the database can."""
    features = connections[AuditLog.objects.all().db].features
    if len(parts) > 1 and features.supports_slicing_ordering_in_compound:
        parts = [parts[0].union(*parts[1:], all=True)]
    return chain.from_iterable(parts)


def _within(found: Range) -> Any:
    return AuditLog.objects.between(found.start, found.end).order_by()


def _failed(found: Range) -> Any:
    return _within(found).failed()


def _by_unit(found: Range, unit: str) -> Iterable[tuple[datetime, str, int]]:
    if (localtime(found.start).utcoffset() or _A_DAY) % _AN_HOUR:
        # Hours of UTC are no hours of the site.
        unit = "minute"
    moment = Trunc("created_at", unit, tzinfo=timezone.utc)
    rows = _within(found).annotate(moment=moment).values_list("moment", "outcome")
    counted: Iterable[tuple[datetime, str, int]] = rows.annotate(number=Count("pk"))
    return counted


def _added(bar: Bar, outcome: str, number: int) -> Bar:
    if outcome == events.FAILURE:
        return replace(bar, failures=bar.failures + number)
    return replace(bar, successes=bar.successes + number)


def _empty_bars(found: Range, period: Period) -> list[Bar]:
    bars = []
    start = _floor(found.start, period)
    while start < found.end:
        # A day of the site may have 25 hours.
        longest = period.bar + timedelta(hours=2) * (period.bar >= _A_DAY)
        end = _floor(start.astimezone(timezone.utc) + longest, period)
        bars.append(Bar(start, end))
        start = end
    return bars


def _floor(moment: datetime, period: Period) -> datetime:
    """Return the beginning of the bar that `moment` is in: midnight is the site's."""
    local = localtime(moment).replace(second=0, microsecond=0)
    if period.bar >= _A_DAY:
        return local.replace(hour=0, minute=0)
    if period.bar >= _AN_HOUR:
        return local.replace(minute=0)
    return local.replace(minute=local.minute // 5 * 5)

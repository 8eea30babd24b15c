"""The pictures of the log: what they show, where they lead, and how large to draw it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil, sqrt
from typing import Any, NamedTuple

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.functional import Promise, cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_authaudit import events, figures, words
from django_authaudit.admin import cells, links
from django_authaudit.admin.filters import SINCE_VAR, UNTIL_VAR
from django_authaudit.figures import DAY, PERIODS, WEEK, Bar, Period, Range, Rank
from django_authaudit.models import AuditLog

WIDTH, HEIGHT, GAP = 720, 120, 2
SHADES = 5
MOST_ON_THE_LIST = 10_000
"""Entries that the picture above the list is drawn from: it is there on every first page."""
LABELS: dict[str, str | Promise] = {
    "hour": _("Last hour"),
    "day": _("Last 24 hours"),
    "week": _("Last 7 days"),
}


class Column(NamedTuple):
    """A bar of the picture over time; lengths are text, for no language may put commas in them."""

    label: str
    url: str
    successes: int
    failures: int
    x: str
    width: str
    success_y: str
    success_height: str
    failure_y: str
    failure_height: str


class Line(NamedTuple):
    """A line of a ranking, with the length of its bar in percent."""

    name: str
    url: str
    number: int
    length: str


class Cell(NamedTuple):
    """An hour of the week: how dark it is, and where it leads."""

    shade: int
    number: int
    failures: int
    url: str


class Overview:
    """The picture of events over time."""

    def __init__(self, admin: Any, period: Period, *, most: int = figures.MOST) -> None:
        self._site = admin.admin_site.name
        self.period = period
        self._most = most

    @cached_property
    def range(self) -> Range:
        """The entries that it is drawn from."""
        return figures.latest(self.period, most=self._most)

    @cached_property
    def columns(self) -> list[Column]:
        """The bars, oldest first."""
        bars = self._bars
        return [self._column(bar, n, len(bars)) for n, bar in enumerate(bars)]

    @property
    def highest(self) -> int:
        """The number of entries of the highest bar."""
        return max(bar.successes + bar.failures for bar in self._bars)

    @cached_property
    def _bars(self) -> list[Bar]:
        return figures.over_time(self.range, self.period)

    @property
    def label(self) -> str:
        """What the picture covers."""
        if not self.range.cut:
            return str(LABELS[self.period.name])
        return self._since(self.range)

    @staticmethod
    def _since(found: Range) -> str:
        return gettext("The newest entries, since %(time)s") % {
            "time": f"{words.local_time(found.start):%Y-%m-%d %H:%M}"
        }

    @property
    def view_box(self) -> str:
        """The size of the drawing."""
        return f"0 0 {WIDTH} {HEIGHT}"

    def entries(self, since: datetime, until: datetime | None = None, **wanted: Any) -> str:
        """Return the address of the list of those entries."""
        query: dict[str, Any] = {**wanted, SINCE_VAR: since.isoformat()}
        if until is not None:
            query[UNTIL_VAR] = until.isoformat()
        return f"{links.page(self._site, AuditLog, 'changelist')}?{urlencode(query)}"

    def _column(self, bar: Bar, n: int, number: int) -> Column:
        width = WIDTH / number
        unit = HEIGHT / max(1, self.highest)
        failed, good = bar.failures * unit, bar.successes * unit
        return Column(
            label=self._moment(bar),
            url=self.entries(bar.start, bar.end),
            successes=bar.successes,
            failures=bar.failures,
            x=f"{n * width:.1f}",
            width=f"{width - GAP:.1f}",
            success_y=f"{HEIGHT - good:.1f}",
            success_height=f"{good:.1f}",
            failure_y=f"{HEIGHT - good - failed:.1f}",
            failure_height=f"{failed:.1f}",
        )

    def _moment(self, bar: Bar) -> str:
        if self.period.bar >= timedelta(days=1):
            return f"{words.local_time(bar.start):%Y-%m-%d}"
        return f"{words.local_time(bar.start):%Y-%m-%d %H:%M}"


class Dashboard(Overview):
    """All pictures, of the last hour, day or week."""

    @property
    def periods(self) -> list[dict[str, Any]]:
        """What can be chosen."""
        chosen = self.period.name
        return [
            {"url": f"?period={name}", "label": LABELS[name], "chosen": name == chosen}
            for name in PERIODS
        ]

    @cached_property
    def rankings(self) -> list[tuple[str | Promise, list[Line]]]:
        """Who and what fails most."""
        found = self.range
        failed: dict[str, Any] = {"outcome": events.FAILURE}
        accounts = figures.failing_accounts(found)
        addresses = figures.failing_addresses(found)
        reasons = figures.failures_by_reason(found)
        return [
            (
                _("Accounts with most failures"),
                _lines(
                    [r._replace(name=_name(r)) for r in accounts],
                    [self.entries(found.start, **failed, **_who(r)) for r in accounts],
                ),
            ),
            (
                _("Addresses with most failures"),
                _lines(
                    addresses,
                    [self.entries(found.start, **failed, ip_address=r.key) for r in addresses],
                ),
            ),
            (
                _("Failures by reason"),
                _lines(
                    [r._replace(name=_why(r)) for r in reasons],
                    [self.entries(found.start, **failed, **_what(r)) for r in reasons],
                ),
            ),
        ]

    @cached_property
    def new_addresses(self) -> list[dict[str, Any]]:
        """Addresses that were never seen before."""
        return [
            {
                "address": seen.address,
                "url": links.investigation(self._site, "address", seen.address),
                "first": cells.time(seen.first),
                "number": seen.number,
            }
            for seen in figures.new_addresses(self.range)
        ]

    @cached_property
    def roles(self) -> list[dict[str, Any]]:
        """Roles that were granted."""
        return [
            {
                "time": cells.time(entry.created_at),
                "url": links.page(self._site, AuditLog, "change", entry.pk),
                "role": words.why(entry),
                "user": words.name(entry),
                "actor": words.actor_name(entry),
            }
            for entry in figures.roles_granted(self.range)
        ]

    @cached_property
    def _week(self) -> Range:
        return figures.latest(WEEK)

    @cached_property
    def week(self) -> list[tuple[str, list[Cell]]]:
        """The last seven days, a line a weekday, a cell an hour."""
        hours = figures.by_hour_of_week(self._week)
        most = max([bar.successes + bar.failures for bar in hours.values()] or [0])
        return [
            (str(name), [self._cell(hours.get((day, hour)), most) for hour in range(24)])
            for day, name in WEEKDAYS_ABBR.items()
        ]

    @property
    def week_label(self) -> str:
        """What the hours of the week cover."""
        return "" if not self._week.cut else self._since(self._week)

    @property
    def hours(self) -> Iterable[int]:
        """The hours of a day."""
        return range(24)

    def _cell(self, bar: Bar | None, most: int) -> Cell:
        if bar is None:
            return Cell(0, 0, 0, "")
        number = bar.successes + bar.failures
        # By the square root, so that one flood does not pale all the rest.
        shade = ceil(SHADES * sqrt(number / most))
        return Cell(shade, number, bar.failures, self.entries(bar.start, bar.end))


def period_of(name: str) -> Period:
    """Return the period of that name; the last day for any other."""
    return PERIODS.get(name, DAY)


def _lines(ranks: list[Rank], urls: list[str]) -> list[Line]:
    most = max([rank.number for rank in ranks] or [1])
    return [
        Line(words.clean(rank.name), url, rank.number, f"{100 * rank.number / most:.1f}")
        for rank, url in zip(ranks, urls, strict=True)
    ]


def _who(rank: Rank) -> dict[str, Any]:
    return {"q": rank.name} if rank.key is None else {"user_id": rank.key}


def _what(rank: Rank) -> dict[str, Any]:
    return {"reason": rank.name} if rank.name else {"event": rank.key}


def _name(rank: Rank) -> str:
    """Return the name, told from that of an account where nobody has it."""
    if rank.key is not None:
        return rank.name
    return gettext("%(name)s (no account)") % {"name": rank.name}


def _why(rank: Rank) -> str:
    """Return the reason in words; the event where none is given."""
    return words.coded(words.REASONS, rank.name) if rank.name else str(events.get(rank.key).label)

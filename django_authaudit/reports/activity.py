"""What happened in a period: per day and outcome, and who failed most."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone

from django.db.models import Count
from django.db.models.functions import TruncDate

from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet, readable

TOP = 10


@dataclass(frozen=True)
class Day:
    """One day, by UTC."""

    day: date
    success: int
    failure: int


@dataclass(frozen=True)
class Failing:
    """A user name, as typed, or an address, and how often it failed or was refused."""

    name: str
    count: int


@dataclass(frozen=True)
class Activity:
    """The entries from `since` up to, but not including, `until`."""

    since: datetime
    until: datetime
    days: tuple[Day, ...]
    failing_accounts: tuple[Failing, ...]
    failing_addresses: tuple[Failing, ...]

    @property
    def total(self) -> int:
        """How many entries there are."""
        return sum(day.success + day.failure for day in self.days)


@readable()
def collect(since: datetime, until: datetime, *, using: str) -> Activity:
    """Return what happened from `since` up to, but not including, `until`.

    The log's own events are left out. Reads every entry of the period once for each of the three.
    """
    entries = AuditLog.objects.using(using).between(since, until).order_by()
    entries = entries.exclude(event__startswith="audit.")
    counts = (
        entries.annotate(day=TruncDate("created_at", tzinfo=timezone.utc))
        .values_list("day", "outcome")
        .annotate(count=Count("pk"))
    )
    days: dict[date, dict[str, int]] = {}
    for day, outcome, count in counts:
        found = days.setdefault(day, {"success": 0, "failure": 0})
        # What an edited row says may be anything: verification finds it.
        if outcome in found:
            found[outcome] = count
    return Activity(
        since,
        until,
        tuple(Day(day, **found) for day, found in sorted(days.items())),
        _top(entries.failed().exclude(username=""), "username"),
        _top(entries.failed().exclude(ip_address=None), "ip_address"),
    )


def _top(entries: AuditLogQuerySet, column: str) -> tuple[Failing, ...]:
    found = entries.values_list(column).annotate(count=Count("pk")).order_by("-count", column)
    return tuple(Failing(str(name), count) for name, count in found[:TOP])

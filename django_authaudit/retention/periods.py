"""How long entries are kept: in days, by the longest prefix of their event that has a period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import connections
from django.db.models import Q

from django_authaudit import shipments
from django_authaudit.conf import conf
from django_authaudit.entry import first_id_at
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.retention.holds import not_held
from django_authaudit.sinks import shipped_to
from django_authaudit.sinks.database import write_alias


class RetentionError(AuthAuditError):
    """Raised when entries are asked to leave earlier than the settings allow."""


@dataclass(frozen=True)
class Group:
    """Entries that leave by one range of the primary key: of all events, or of one."""

    cutoff: datetime
    event: str | None = None
    since: datetime | None = None
    """What is older belongs to another group."""

    def of(self, entries: AuditLogQuerySet) -> AuditLogQuerySet:
        """Return those of `entries` that belong to the group."""
        entries = entries.older_than(self.cutoff)
        if self.since is not None:
            entries = entries.since(self.since)
        return entries if self.event is None else entries.of_event(self.event)


@dataclass(frozen=True)
class Schedule:
    """When entries leave: from before `cutoff`, and other moments by the prefix of their event."""

    cutoff: datetime
    own: Mapping[str, datetime | None]
    """None: never."""

    def end_of(self, event: str) -> datetime | None:
        """Return the moment from before which entries of `event` leave: the longest prefix's."""
        prefixes = [prefix for prefix in self.own if event.startswith(prefix)]
        return self.own[max(prefixes, key=len)] if prefixes else self.cutoff

    def is_over(self) -> Q:
        """Return the condition that an entry has to leave."""
        condition = Q(pk__lt=first_id_at(self.cutoff))
        for prefix in sorted(self.own, key=len):
            end, mine = self.own[prefix], Q(event__startswith=prefix)
            condition &= ~mine
            if end is not None:
                condition |= mine & Q(pk__lt=first_id_at(end))
        return condition

    @property
    def latest(self) -> datetime:
        """Return the cutoff that nothing leaves after."""
        return max([self.cutoff, *(end for end in self.own.values() if end is not None)])

    def groups(self, entries: AuditLogQuerySet) -> Iterator[Group]:
        """Yield the groups in which what has expired of `entries` leaves.

        What is older than every cutoff leaves together; the rest event by event, along an index,
        so that entries which stay longer are not read again at every run.
        """
        ends = [self.cutoff, *self.own.values()]
        known = [end for end in ends if end is not None]
        oldest = min(known) if len(known) == len(ends) else None
        if oldest is not None:
            yield Group(oldest)
        for event in _events(entries) if self.own else ():
            end = self.end_of(event)
            if end is not None and end != oldest:
                yield Group(end, event, oldest)


def cutoff_for(days: int | None = None) -> datetime:
    """Return the moment `days` ago, by default AUTHAUDIT_RETENTION_DAYS.

    Raises RetentionError for what is no number of days, or too small or too large a one.
    """
    if days is None:
        days = _whole("AUTHAUDIT_RETENTION_DAYS", conf.AUTHAUDIT_RETENTION_DAYS)
    return _ago(_whole("days", days))


def schedule_for(cutoff: datetime) -> Schedule:
    """Return when which entries leave, if those without a period of their own do at `cutoff`.

    Raises RetentionError for a cutoff in the future or nearer than
    AUTHAUDIT_MINIMUM_RETENTION_DAYS, and for periods that make no sense.
    """
    _refuse_too_few(age_in_days(cutoff))
    own: dict[str, datetime | None] = {}
    for prefix, days in _periods().items():
        name = f"AUTHAUDIT_RETENTION[{prefix!r}]"
        own[prefix] = None if days is None else _ago(_whole(name, days))
    return Schedule(cutoff, own)


def expired(
    cutoff: datetime, *, using: str | None = None, unshipped: bool = False
) -> AuditLogQuerySet:
    """Return the entries of the database `using`, by default the log's own, that have to leave.

    What is held is not among them, nor, but for `unshipped`, what a sink has not taken.
    `cutoff` is that of the events without a period of their own in AUTHAUDIT_RETENTION. Raises
    RetentionError as `schedule_for()` does, and for an unknown database.
    """
    return not_held(free(using, unshipped=unshipped).filter(schedule_for(cutoff).is_over()))


def free(using: str | None, *, unshipped: bool = False) -> AuditLogQuerySet:
    """Return the entries that every sink has taken, or all if they may leave `unshipped`.

    Raises RetentionError for an unknown database, ImproperlyConfigured for sinks that are none.
    """
    entries = entries_of(using)
    return entries if unshipped else shipments.shipped(entries)


def not_shipped(cutoff: datetime, *, using: str | None = None) -> int:
    """Return how many entries would have to leave, but for a sink that has not taken them."""
    if not shipped_to():
        return 0
    rest = expired(cutoff, using=using, unshipped=True).count()
    return rest - expired(cutoff, using=using).count()


def entries_of(using: str | None) -> AuditLogQuerySet:
    """Return the entries of the database `using`; raise RetentionError for an unknown one."""
    if using is not None and using not in connections.settings:
        raise RetentionError(
            f"There is no database {using!r}: choose one of {', '.join(connections.settings)}."
        )
    return AuditLog.objects.using(using or write_alias())


def _events(entries: AuditLogQuerySet) -> Iterator[str]:
    """Yield each event that occurs, by one look into the index each."""
    codes = entries.order_by("event").values_list("event", flat=True)
    code = codes.first()
    while code is not None:
        yield code
        code = codes.filter(event__gt=code).first()


def age_in_days(cutoff: datetime) -> int:
    """Return how many whole days ago `cutoff` was."""
    return (datetime.now(timezone.utc) - cutoff).days


def _periods() -> Mapping[str, Any]:
    periods: Any = conf.AUTHAUDIT_RETENTION
    if not isinstance(periods, Mapping) or not all(
        isinstance(prefix, str) and prefix for prefix in periods
    ):
        raise RetentionError(
            f"AUTHAUDIT_RETENTION: {periods!r} is no dict of prefixes and days, such as "
            '{"auth.login.": 30}.'
        )
    return periods


def _ago(days: int) -> datetime:
    _refuse_too_few(days)
    try:
        return datetime.now(timezone.utc) - timedelta(days=days)
    except OverflowError:
        raise RetentionError(
            f"{days} days ago there was no log: give a smaller number, such as 90."
        ) from None


def _refuse_too_few(days: int) -> None:
    minimum = _whole("AUTHAUDIT_MINIMUM_RETENTION_DAYS", conf.AUTHAUDIT_MINIMUM_RETENTION_DAYS)
    if days < 0:
        raise RetentionError(
            f"{days} days would put the cutoff in the future and delete the whole log: give the "
            "number of days to keep, such as 90."
        )
    if days < minimum:
        raise RetentionError(
            f"{days} days are fewer than AUTHAUDIT_MINIMUM_RETENTION_DAYS ({minimum}): give at "
            "least as many, or change the setting."
        )


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise RetentionError(f"{name}: {value!r} is no whole number of days, such as 90.")
    return value

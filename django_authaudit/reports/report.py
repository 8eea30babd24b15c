"""All that a report says, before anybody words it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django_authaudit.reports import activity, coverage, health, protection
from django_authaudit.reports.activity import Activity
from django_authaudit.reports.coverage import Coverage
from django_authaudit.reports.health import Health
from django_authaudit.reports.protection import Protection


@dataclass(frozen=True)
class Report:
    """What can be recorded, what was, and how the log is kept."""

    coverage: Coverage
    activity: Activity
    health: Health
    protection: Protection


def collect(*, since: datetime, until: datetime, using: str) -> Report:
    """Return the report on the log in the database `using`; the activity from `since` on.

    Raises TamperedError if somebody has written over a row with what its column cannot hold.
    """
    return Report(
        coverage=coverage.collect(using=using),
        activity=activity.collect(since, until, using=using),
        health=health.collect(using=using),
        protection=protection.collect(using=using),
    )

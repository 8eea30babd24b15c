"""How long entries are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from django_authaudit.checks.values import Check, is_whole_number
from django_authaudit.conf import conf

ADVISED_DAYS = 90
"""Days that every entry should stay at hand; PCI DSS 4.0, 10.5.1 asks for three months."""


def check_retention_is_a_number(**kwargs: Any) -> Iterator[CheckMessage]:
    """E005: days are a whole number, and at least one."""
    days = conf.AUTHAUDIT_RETENTION_DAYS
    if not is_whole_number(days) or days < 1:
        yield Error(
            f"AUTHAUDIT_RETENTION_DAYS is {days!r}, not a whole number of days from 1 up.",
            hint=f"Set it to a number such as {ADVISED_DAYS}, without quotes.",
            id="django_authaudit.E005",
        )


def check_minimum_is_a_number(**kwargs: Any) -> Iterator[CheckMessage]:
    """E006: so is the least that pruning accepts; 0 accepts everything."""
    days = conf.AUTHAUDIT_MINIMUM_RETENTION_DAYS
    if not is_whole_number(days) or days < 0:
        yield Error(
            f"AUTHAUDIT_MINIMUM_RETENTION_DAYS is {days!r}, not a whole number of days from 0 up.",
            hint="Set it to a number such as 30, without quotes.",
            id="django_authaudit.E006",
        )


def check_retention_is_allowed(**kwargs: Any) -> Iterator[CheckMessage]:
    """E007: a retention under its own minimum makes every pruning fail."""
    days, minimum = conf.AUTHAUDIT_RETENTION_DAYS, conf.AUTHAUDIT_MINIMUM_RETENTION_DAYS
    if is_whole_number(days) and is_whole_number(minimum) and days < minimum:
        yield Error(
            f"AUTHAUDIT_RETENTION_DAYS is {days}, less than AUTHAUDIT_MINIMUM_RETENTION_DAYS, "
            f"which is {minimum}: prune_audit_log refuses to work.",
            hint="Raise the first or lower the second.",
            id="django_authaudit.E007",
        )


def check_retention_is_long_enough(**kwargs: Any) -> Iterator[CheckMessage]:
    """W004: an intrusion is often found only months later."""
    days = conf.AUTHAUDIT_RETENTION_DAYS
    if is_whole_number(days) and 1 <= days < ADVISED_DAYS:
        yield Warning(
            f"AUTHAUDIT_RETENTION_DAYS is {days}: entries are gone before many an intrusion is "
            "found.",
            hint=f"Keep entries for at least {ADVISED_DAYS} days, or silence this check if a rule "
            "forbids it.",
            id="django_authaudit.W004",
        )


CHECKS: tuple[Check, ...] = (
    check_retention_is_a_number,
    check_minimum_is_a_number,
    check_retention_is_allowed,
    check_retention_is_long_enough,
)

"""How long entries are kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from django_authaudit import events
from django_authaudit.checks.values import Check, did_you_mean, is_whole_number
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


def check_periods_are_a_dict(**kwargs: Any) -> Iterator[CheckMessage]:
    """E020: periods stand under the prefix of the events that they are for."""
    periods: Any = conf.AUTHAUDIT_RETENTION
    if not isinstance(periods, Mapping) or not all(
        isinstance(prefix, str) and prefix for prefix in periods
    ):
        yield Error(
            f"AUTHAUDIT_RETENTION is {periods!r}, not a dict of prefixes of events and days.",
            hint='Set it to a dict such as {"auth.login.": 30}; for all other events there is '
            "AUTHAUDIT_RETENTION_DAYS.",
            id="django_authaudit.E020",
        )


def check_periods_are_numbers(**kwargs: Any) -> Iterator[CheckMessage]:
    """E021: days are a whole number, at least one and at least the minimum."""
    minimum: Any = conf.AUTHAUDIT_MINIMUM_RETENTION_DAYS
    least = max(1, minimum) if is_whole_number(minimum) else 1
    for prefix, days in _periods():
        if days is not None and (not is_whole_number(days) or days < least):
            yield Error(
                f"AUTHAUDIT_RETENTION[{prefix!r}] is {days!r}, not a whole number of days from "
                f"{least} up: prune_audit_log refuses to work.",
                hint=f"Set it to a number such as {ADVISED_DAYS}, or to None to keep these "
                "entries for good. AUTHAUDIT_MINIMUM_RETENTION_DAYS is the least.",
                id="django_authaudit.E021",
            )


def check_periods_are_of_events(**kwargs: Any) -> Iterator[CheckMessage]:
    """W020: a prefix that no event has does nothing; most likely a typo."""
    codes = [event.code for event in events.registered()]
    prefixes = {code[: dot + 1] for code in codes for dot, at in enumerate(code) if at == "."}
    for prefix, _ in _periods():
        if not any(code.startswith(prefix) for code in codes):
            yield Warning(
                f"AUTHAUDIT_RETENTION[{prefix!r}] is for no event of the catalogue.",
                hint="Write the beginning of an event's code, or the whole of it."
                f"{did_you_mean(prefix, [*prefixes, *codes])}",
                id="django_authaudit.W020",
            )


def _periods() -> list[tuple[str, Any]]:
    """Return the periods that there are, none if the setting is no dict of texts."""
    periods: Any = conf.AUTHAUDIT_RETENTION
    if not isinstance(periods, Mapping):
        return []
    return [(prefix, days) for prefix, days in periods.items() if isinstance(prefix, str)]


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
    check_periods_are_a_dict,
    check_periods_are_numbers,
    check_periods_are_of_events,
    check_retention_is_long_enough,
)

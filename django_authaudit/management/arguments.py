"""What is typed at a terminal, as values; argparse says what is wrong with the rest."""

from __future__ import annotations

import argparse
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime


def whole_number(text: str) -> int:
    """Return the number that `text` is; raise ArgumentTypeError for none."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, such as 90") from None


def moment(text: str) -> datetime:
    """Return the time that `text` is, in the site's time zone unless it has an offset.

    A date is its first moment. Raises ArgumentTypeError for what is no time.
    """
    try:
        day = parse_date(text)
        found = parse_datetime(f"{day}T00:00" if day is not None else text)
        if found is not None:
            aware = timezone.make_aware(found) if timezone.is_naive(found) else found
            return timezone.localtime(aware)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(
        f"{text!r} is no time, such as 2026-01-31 or 2026-01-31T08:00+01:00"
    )

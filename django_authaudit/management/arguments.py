"""What is typed at a terminal, as values; argparse says what is wrong with the rest."""

from __future__ import annotations

import argparse
from datetime import datetime, time

from django.db import connections
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from django_authaudit import events


def add_database(parser: argparse.ArgumentParser) -> None:
    """Add the option by which a command works on another database than the log's own."""
    parser.add_argument(
        "--database",
        choices=tuple(connections),
        help="database of the log (default: the one that it is written to)",
    )


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which entries are meant: the filters of the admin's list."""
    add = parser.add_argument
    add("--since", type=moment, help="first moment, such as 2026-01-31 or 2026-01-31T08:00")
    add("--until", type=moment, help="moment that ends it, not included")
    add("--event", default="", help="code of an event, or its beginning, such as auth.login")
    add("--outcome", default="", choices=[code for code, _ in events.OUTCOMES])
    add("--reason", default="", help="why it was refused, such as invalid_password")
    add("--user", default="", help="name, e-mail address or key: everything about a person")
    add("--actor", default="", help="the same of who was behind it: what a person did")
    add("--ip", default="", help="address or network, such as 203.0.113.0/24")
    add("--request", default="", help="id of a request, as its entries have it")
    add("--session", default="", help="reference of a session, as its entries have it")


def whole_number(text: str) -> int:
    """Return the number that `text` is; raise ArgumentTypeError for none."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number, such as 90") from None


def moment(text: str) -> datetime:
    """Return the moment that `text` names, a day for its first; raise ArgumentTypeError for none.

    Without an offset it is in the project's time zone.
    """
    try:
        day = parse_date(text)
        found = parse_datetime(text) if day is None else datetime.combine(day, time.min)
    except ValueError:
        found = None
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no date or time, such as 2026-01-31 or 2026-01-31T18:00+01:00"
        )
    if timezone.is_naive(found):
        return timezone.make_aware(found, timezone.get_default_timezone())
    return found

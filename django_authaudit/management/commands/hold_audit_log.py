"""Keep entries for as long as a court, an insurer or an inquiry may ask for them."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit.addresses import address_text, parse_address
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.management.arguments import add_database, moment
from django_authaudit.models import AuditHold
from django_authaudit.people import find_person
from django_authaudit.retention import entries_of, holds
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Hold, release or list."""

    help = "Hold entries of the audit log: neither pruning nor erasure takes them until released."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--user", metavar="NAME", help="an account, by its name or its key; as actor too")
        add("--ip", type=address, help="a client address")
        add("--since", type=moment, help="a date or time: what is older is not held")
        add("--until", type=moment, help="a date or time: what is of then or later is not held")
        add("--reason", help="why; needed to hold")
        add("--by", metavar="NAME", help="who holds or releases (default: the system's user)")
        add("--release", type=int, metavar="ID", help="release the hold of this number")
        add("--list", action="store_true", dest="show", help="list the holds in force")
        add_database(parser)

    def handle(self, *, verbosity: int, **options: Any) -> None:
        """Do it; raise CommandError with status 2 for whatever prevents it."""
        using = options["database"] or write_alias()
        try:
            for line in self.lines(using, options):
                if verbosity >= 1 or options["show"]:
                    self.stdout.write(line)
        except (AuthAuditError, Error, ImproperlyConfigured) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error

    def lines(self, using: str, options: dict[str, Any]) -> Iterator[str]:
        """Do what `options` say, and yield what to print of it."""
        if options["show"]:
            yield from map(line_of, holds.active(using))
            return
        operator = options["by"] or getpass.getuser()
        if options["release"] is not None:
            ended = holds.release(options["release"], operator=operator, using=using)
            yield f"Released: {line_of(ended)}"
            return
        entries = entries_of(using)
        made = holds.hold(
            person=find_person(options["user"], entries) if options["user"] else None,
            ip_address=options["ip"],
            since=options["since"],
            until=options["until"],
            reason=options["reason"] or "",
            operator=operator,
            using=using,
        )
        yield f"Held: {line_of(made)}"
        yield f"Entries that it covers so far: {holds.held(entries, [made]).count()}."


def line_of(hold: AuditHold) -> str:
    """Return one line about a hold."""
    what = {
        "user": hold.username or hold.user_id,
        "address": hold.ip_address,
        "since": hold.since and f"{hold.since:%Y-%m-%d %H:%M}",
        "until": hold.until and f"{hold.until:%Y-%m-%d %H:%M}",
    }
    facts = ", ".join(f"{name} {value}" for name, value in what.items() if value)
    return f"{hold.pk}  {facts}  {hold.created_at:%Y-%m-%d} by {hold.held_by}: {hold.reason}"


def address(text: str) -> str:
    """Return the address that `text` is, as the log writes it; raise ArgumentTypeError."""
    found = address_text(parse_address(text))
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no IP address")
    return found

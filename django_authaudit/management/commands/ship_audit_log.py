"""Bring the sinks that are not in line what the log holds; for cron, or for good."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import shipments, shipping
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.management.stopping import stop_when_asked
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Ship, or say how far it is."""

    help = "Bring sinks such as syslog, HTTP and OpenTelemetry what the audit log holds."
    # A mistake elsewhere in the project is no reason to keep others waiting.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("sinks", nargs="*", metavar="SINK", help="names in AUTHAUDIT_SINKS (default: all)")
        add("--follow", action="store_true", help="go on until told to stop, instead of ending")
        add(
            "--retry-rejected",
            action="store_true",
            help="bring sinks again what they have rejected, instead of what is new",
        )
        add("--status", action="store_true", help="only say how far each sink is")

    def handle(
        self, *, sinks: list[str], follow: bool, status: bool, verbosity: int, **options: Any
    ) -> None:
        """Ship; raise CommandError with status 2 if a sink has not had everything."""
        if follow and options["retry_rejected"]:
            raise CommandError("--retry-rejected is done once: leave --follow away.", returncode=2)
        try:
            if status:
                for state in shipments.states(using=write_alias()):
                    self.stdout.write(str(state))
            else:
                work = shipping.retry if options["retry_rejected"] else shipping.ship
                self.ship(shipping.routes(sinks), work, follow=follow, verbosity=verbosity)
        except (AuthAuditError, Error, ImproperlyConfigured) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error

    def ship(
        self,
        routes: list[shipping.Route],
        work: Callable[[shipping.Route], shipping.Batches],
        *,
        follow: bool,
        verbosity: int,
    ) -> None:
        """Do `work` along `routes`, and say what became of it."""
        taken: Counter[str] = Counter()
        rejected: Counter[str] = Counter()
        with stop_when_asked() as asked:
            batches = shipping.run(routes, follow=follow, stopped=lambda: asked, work=work)
            with closing(batches):
                for batch in batches:
                    taken[batch.sink] += batch.taken
                    rejected[batch.sink] += batch.rejected
        if verbosity >= 1:
            for route in routes:
                self.stdout.write(f"{route.alias}: entries shipped: {taken[route.alias]}.")
        faults = [*failed(routes), *set_aside(rejected)]
        if asked and not follow:
            faults.append("Stopped. Run it again to go on.")
        if faults:
            raise CommandError(" ".join(faults), returncode=2)


def failed(routes: list[shipping.Route]) -> Iterator[str]:
    """Yield what kept sinks from having everything."""
    for route in routes:
        if route.error:
            yield f"{route.alias}: {route.error}"


def set_aside(rejected: Counter[str]) -> Iterator[str]:
    """Yield how many entries each sink rejected."""
    for alias, count in rejected.items():
        if count:
            yield f"{alias}: entries rejected and set aside: {count}."

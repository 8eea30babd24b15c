"""Have the database itself refuse to change the log."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import hardening
from django_authaudit.management.arguments import add_database
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Make the triggers, remove them, or say what is missing."""

    help = "Make, remove or look for the triggers that let the audit log grow and nothing else."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        action = parser.add_mutually_exclusive_group(required=True)
        for name, text in (
            ("enable", "refuse UPDATE, DELETE and TRUNCATE from now on"),
            ("disable", "remove the triggers"),
            ("status", "say what is refused; end with status 1 if anything is not"),
        ):
            action.add_argument(
                f"--{name}", dest="action", action="store_const", const=name, help=text
            )
        add_database(parser)

    def handle(self, *, action: str, verbosity: int, **options: Any) -> None:
        """Do it; raise CommandError with status 2 for whatever prevents it."""
        using = options["database"] or write_alias()
        try:
            if action == "enable":
                hardening.enable(using)
            elif action == "disable":
                hardening.disable(using)
            gaps = hardening.gaps(using)
        except (Error, ImproperlyConfigured, hardening.HardeningError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        if action == "status" and gaps:
            open_to = ", ".join(f"{operation} on {table}" for operation, table in gaps)
            raise CommandError(
                f"The database {using!r} does not refuse {open_to}: run "
                "harden_audit_log --enable.",
                returncode=1,
            )
        if verbosity >= 1:
            self.stdout.write(
                f"The audit log in the database {using!r} "
                + ("can be changed." if action == "disable" else "is append-only.")
            )

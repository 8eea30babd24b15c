"""Seal the log; for cron, as often as a cut tail has to be noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import events, record
from django_authaudit.exceptions import AnchorError, KeyUnusableError
from django_authaudit.integrity import anchors, ed25519, sealing, seals
from django_authaudit.management.arguments import add_database
from django_authaudit.models import AuditSeal
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Seal what is not sealed yet, send the seals out of the database, and say so."""

    help = "Sign what the audit log holds, so that entries cannot vanish from its end unnoticed."
    # A mistake elsewhere in the project is no reason to leave the log unsealed.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument(
            "--anchor",
            type=Path,
            metavar="FILE",
            help="append the seals to this file, and sync it",
        )
        parser.add_argument(
            "--public-key",
            action="store_true",
            help="print the public half of AUTHAUDIT_SEAL_KEY as PEM, and seal nothing",
        )
        add_database(parser)

    def handle(self, *, anchor: Path | None, verbosity: int, **options: Any) -> None:
        """Seal; raise CommandError with status 2 for whatever prevents it."""
        using = options["database"] or write_alias()
        try:
            if options["public_key"]:
                self.print_public_key()
                return
            for seal in sealing.seal(using):
                tell(seal)
                if verbosity >= 1:
                    count = seals.statement_of(seal)["count"]
                    self.stdout.write(f"Seal {seal.number} made. Entries sealed: {count}.")
            if anchor is not None:
                anchors.extend(anchor, using)
        except (Error, ImproperlyConfigured, OSError, AnchorError, KeyUnusableError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error

    def print_public_key(self) -> None:
        """Print the key for the auditor; raise KeyUnusableError if there is none."""
        pem = ed25519.public_pem()
        if not pem:
            raise KeyUnusableError("AUTHAUDIT_SEAL_KEY is not set.")
        self.stdout.write(pem, ending="")


def tell(seal: AuditSeal) -> None:
    """Record `seal`: so every sink gets it, and the log itself says that it was there."""
    record(events.AUDIT_SEALED, metadata={"number": seal.number, "seal": seals.to_line(seal)})

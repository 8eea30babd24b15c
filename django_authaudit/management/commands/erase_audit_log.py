"""Erase a person from the log, and keep the proof of what happened."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit.exceptions import AuthAuditError, PersonError
from django_authaudit.management.arguments import add_database
from django_authaudit.people import Person, find_person
from django_authaudit.retention import entries_of, erasure
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Erase, or say how much it would be."""

    help = (
        "Take a person's names, addresses and other values out of the audit log, its spool and "
        "its archives; what happened stays, under a pseudonym."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add(
            "--user",
            required=True,
            metavar="NAME",
            help="an account, by its name, its e-mail address or its key, also one that is gone",
        )
        add(
            "--archive",
            action="append",
            default=[],
            type=Path,
            metavar="DIR",
            help="an archive of prune_audit_log; may be given several times",
        )
        add("--by", metavar="NAME", help="who erases (default: the system's user)")
        add("--dry-run", action="store_true", help="only say how many entries would be changed")
        add_database(parser)

    def handle(self, *, user: str, verbosity: int, **options: Any) -> None:
        """Do it; raise CommandError with status 2 for whatever prevents it."""
        using, archives = options["database"] or write_alias(), options["archive"]
        try:
            person = self.find(user, using, archives)
            if options["dry_run"]:
                found = erasure.would_erase(person, using=using, archives=archives)
                self.stdout.write(
                    f"Entries that would be changed: {found.entries} in the table, "
                    f"{found.elsewhere} elsewhere."
                )
                return
            operator = options["by"] or getpass.getuser()
            done = erasure.erase(person, operator=operator, using=using, archives=archives)
        except (AuthAuditError, Error, ImproperlyConfigured, OSError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        if verbosity >= 1:
            self.stdout.write(
                f"Entries changed: {done.entries} in the table, {done.elsewhere} elsewhere. The "
                f"person is now {done.pseudonym}."
            )
        if done.tampered:
            raise CommandError(
                f"{len(done.tampered)} entries of this person are not as they were signed and "
                "were left alone, as evidence: run verify_audit_log.",
                returncode=2,
            )

    def find(self, user: str, using: str, archives: Sequence[Path]) -> Person:
        """Return who is meant, whom only an archive may know."""
        try:
            return find_person(user, entries_of(using))
        except PersonError:
            if not archives:
                raise
            return erasure.find_archived(user, using=using, archives=archives)

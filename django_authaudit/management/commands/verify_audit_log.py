"""Verify the log; for cron, for an auditor, and for whoever has a doubt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import events, record
from django_authaudit.exceptions import AnchorError, KeyUnusableError
from django_authaudit.integrity import anchors, ed25519
from django_authaudit.management.arguments import add_database, moment
from django_authaudit.management.progress import ERASE_LINE, show
from django_authaudit.sinks.database import write_alias
from django_authaudit.verification import Problem, Summary, Verification


class Command(BaseCommand):
    """Name everything that is not as it was written, and end with status 1 if there is any."""

    help = "Find what was edited, forged or deleted in the audit log."
    # The log may be asked whatever else is wrong with the project.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--since", type=moment, help="verify the entries from this moment on only")
        add("--anchor", type=Path, metavar="FILE", help="the file of seal_audit_log --anchor")
        add(
            "--public-key",
            type=Path,
            metavar="FILE",
            help="believe only what was sealed with the other half of this Ed25519 key (PEM)",
        )
        add("--json", action="store_true", help="print JSON, one object a line")
        add("--no-record", action="store_true", help="leave no entry of this run in the log")
        add_database(parser)

    def handle(self, *, verbosity: int, **options: Any) -> None:
        """Verify; raise CommandError with status 1 for a finding, 2 for every other error."""
        self.shows_progress = verbosity >= 1 and not options["json"] and self.stdout.isatty()
        try:
            verification = self.verification(options)
            for problem in verification.problems():
                self.print(problem, as_json=options["json"])
            if not options["no_record"]:
                tell(verification.summary)
        except (Error, ImproperlyConfigured, OSError, AnchorError, KeyUnusableError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        except KeyboardInterrupt:
            raise CommandError("Stopped before the end.", returncode=2) from None
        self.conclude(verification.summary, verbosity, as_json=options["json"])

    def verification(self, options: dict[str, Any]) -> Verification:
        """Return what is to be done; raise OSError or KeyUnusableError for a wrong file."""
        anchor, key = options["anchor"], options["public_key"]
        return Verification(
            using=options["database"] or write_alias(),
            since=options["since"],
            anchored=anchors.read(anchor) if anchor is not None else (),
            public_key=ed25519.public_key(key.read_bytes()) if key is not None else None,
            tell=self.show_progress,
        )

    def print(self, problem: Problem, *, as_json: bool) -> None:
        """Print a finding on a line of its own."""
        line = json.dumps(problem.to_dict()) if as_json else str(problem)
        self.stdout.write(f"{ERASE_LINE if self.shows_progress else ''}{line}")

    def show_progress(self, summary: Summary) -> None:
        """Say on a terminal how far it is."""
        if self.shows_progress:
            show(self.stdout, f"Entries verified: {summary.entries}")

    def conclude(self, summary: Summary, verbosity: int, *, as_json: bool) -> None:
        """Print the summary; raise CommandError with status 1 if anything was found."""
        if as_json:
            self.stdout.write(json.dumps({"summary": summary.to_dict()}))
        elif verbosity >= 1:
            self.stdout.write(f"{ERASE_LINE if self.shows_progress else ''}{summary}")
        if summary.problems:
            found = ", ".join(f"{count} {kind}" for kind, count in summary.problems.items())
            raise CommandError(f"The log is not as it was written: {found}.", returncode=1)


def tell(summary: Summary) -> None:
    """Record the run, in the log that it was about."""
    found = summary.problems
    event = events.AUDIT_TAMPERING_DETECTED if found else events.AUDIT_VERIFIED
    facts = {"entries": summary.entries, "seals": summary.seals}
    record(event, metadata={**facts, "problems": found} if found else facts)

"""Keep the log to its retention; for cron, once a day."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import retention
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.management.arguments import add_database, whole_number
from django_authaudit.management.progress import show
from django_authaudit.management.stopping import stop_when_asked


class Command(BaseCommand):
    """Delete what is too old, and say how much it was."""

    help = "Delete the entries of the audit log that are older than the retention period."
    # A mistake elsewhere in the project is no reason to keep what must go.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--days", type=whole_number, help="days to keep (default: AUTHAUDIT_RETENTION_DAYS)")
        add(
            "--batch-size",
            type=whole_number,
            default=retention.MOST_ROWS,
            help="most entries a transaction, which aims at under a tenth of a second "
            "(default: %(default)s)",
        )
        add(
            "--archive",
            type=Path,
            metavar="DIR",
            help="folder that gets what is deleted, before it is deleted",
        )
        add("--unshipped", action="store_true", help="delete also what a sink has not had yet")
        add("--dry-run", action="store_true", help="only say how many entries would be deleted")
        add_database(parser)

    def handle(self, *, days: int | None, dry_run: bool, verbosity: int, **options: Any) -> None:
        """Delete or count; raise CommandError with status 2 for whatever prevents it."""
        using, unshipped = options["database"], options["unshipped"]
        self.deleted = 0
        try:
            cutoff = retention.cutoff_for(days)
            until = f"{cutoff:%Y-%m-%d %H:%M:%S} UTC"
            batches = retention.prune(
                cutoff,
                batch_size=options["batch_size"],
                using=using,
                archive=options["archive"],
                unshipped=unshipped,
            )
            if dry_run:
                count = retention.expired(cutoff, using=using, unshipped=unshipped).count()
                self.stdout.write(f"Entries that would be deleted: {count} (before {until}).")
                return
            self.consume(batches, progress=verbosity >= 1 and self.stdout.isatty())
            kept = retention.not_shipped(cutoff, using=using)
        except (AuthAuditError, OSError) as error:
            raise CommandError(str(error), returncode=2) from error
        except (Error, ImproperlyConfigured) as error:
            text = " ".join(str(error).split())
            raise CommandError(
                f"{text} (Entries deleted: {self.deleted}.) Run it again when the database "
                "answers and has the table of the log.",
                returncode=2,
            ) from error
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped. Entries deleted: {self.deleted}. Run it again to go on.", returncode=2
            ) from None
        if verbosity >= 1:
            self.stdout.write(f"Entries deleted: {self.deleted} (before {until}).")
            if kept:
                self.stdout.write(f"Entries kept until every sink has had them: {kept}.")

    def consume(self, batches: retention.Batches, *, progress: bool) -> None:
        """Have `batches` deleted, until told to stop."""
        with stop_when_asked() as asked, closing(batches):
            for batch in batches:
                self.deleted += batch.count
                if progress:
                    until = f"{batch.until:%Y-%m-%d}"
                    show(self.stdout, f"Entries deleted: {self.deleted}, up to {until}")
                if asked:
                    raise KeyboardInterrupt
        if progress:
            show(self.stdout, "")

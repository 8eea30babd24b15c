"""Store what waits in the spool, without waiting for the next event to do so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import replay, spool, strays
from django_authaudit.delivery import replay_all
from django_authaudit.exceptions import SpoolError
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Replay every file of the spool, and say what became of its entries."""

    help = "Store the entries that wait in the spool in the audit log, each exactly once."
    # Entries are stored whatever else is wrong with the project.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the option."""
        parser.add_argument(
            "--adopt",
            nargs="+",
            type=Path,
            default=[],
            metavar="FILE",
            help="replay these files of the spool too, which wait for another database",
        )

    def handle(self, *, verbosity: int, adopt: Sequence[Path], **options: Any) -> None:
        """Replay; raise CommandError with status 2 when entries are left in the spool."""
        alias = write_alias()
        folder = spool.folder(alias)
        total = replay.Replayed()
        try:
            for path in adopt:
                strays.adopt(path, alias)
            complete = replay_all(alias, total)
        except (Error, ImproperlyConfigured, OSError, SpoolError) as error:
            text = " ".join(str(error).split())
            raise CommandError(
                f"{text} (Entries stored: {total.stored}.) The others stay in {folder}: run it "
                "again when the database and the spool are there.",
                returncode=2,
            ) from error
        except KeyboardInterrupt:
            raise CommandError(
                f"Stopped. Entries stored: {total.stored}. The others stay in {folder}.",
                returncode=2,
            ) from None
        if verbosity >= 1:
            self.report(total, folder)
            self.report_strays(alias)
        if not complete:
            raise CommandError(
                f"There are files in {folder} that another process replays or another user owns.",
                returncode=2,
            )

    def report(self, total: replay.Replayed, folder: Path) -> None:
        """Print what became of the entries."""
        if total == replay.Replayed():
            self.stdout.write(f"No entries wait in {folder}.")
            return
        self.stdout.write(
            f"Entries replayed from {folder}: {total.stored} stored, {total.present} already "
            f"there, {total.rejected} rejected."
        )
        if total.rejected:
            self.stdout.write(f"What was rejected lies in {folder / f'*{spool.SET_ASIDE}'}.")

    def report_strays(self, alias: str) -> None:
        """Print what waits beside the spool for another database."""
        found = strays.find(alias)
        if found:
            self.stdout.write("For another database, and left alone (--adopt replays them):")
        for stray in found:
            self.stdout.write(f"  {stray}")

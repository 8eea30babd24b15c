"""Write entries to a file or a pipe, in any format."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from django_authaudit import exports, formats
from django_authaudit.exceptions import AuthAuditError, ExportError
from django_authaudit.exports.evidence import Evidence
from django_authaudit.management.arguments import add_database, add_selection
from django_authaudit.management.destinations import file_or_pipe, nobody_reads
from django_authaudit.management.progress import followed, watched
from django_authaudit.models import AuditLog
from django_authaudit.people import find_person
from django_authaudit.sinks.database import write_alias

_AS_TYPED = ("since", "until", "event", "outcome", "reason", "ip", "request", "session")


class Command(BaseCommand):
    """Export, and record that it was done."""

    help = "Export entries of the audit log, oldest first, one a line."
    # Evidence is wanted above all where something is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add_selection(parser)
        add = parser.add_argument
        add(
            "--format", default="jsonl", choices=[*formats.discover()], help="default: %(default)s"
        )
        add(
            "--evidence",
            action="store_true",
            help="write a ZIP file with the seals, and what verifies them on any machine",
        )
        add("--gzip", action="store_true", help="compress")
        add("--output", type=Path, help="new file to write (default: standard output)")
        add_database(parser)

    def handle(self, **options: Any) -> None:
        """Export; raise CommandError with status 2 for whatever prevents it."""
        self.count = 0
        try:
            self.export(**options)
        except BrokenPipeError:
            # Who reads it has seen enough.
            nobody_reads()
        except (AuthAuditError, Error, ImproperlyConfigured, OSError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. Entries exported: {self.count}.", returncode=2) from None
        else:
            if options["output"] is not None and options["verbosity"] >= 1:
                self.stdout.write(f"Entries exported: {self.count}.")

    def export(self, **options: Any) -> None:
        """Write what is selected, and record it, also when it is broken off."""
        using = options["database"] or write_alias()
        selection, form = self.selection(using, **options), options["format"]
        steps: Callable[..., Generator[int, None, None]]
        if options["evidence"]:
            steps, form = Evidence(selection, using).write, "evidence"
        else:
            entries = selection.entries(using)
            steps = partial(exports.write, entries=entries, format=formats.make_format(form))
        whole = False
        try:
            with file_or_pipe(options["output"], self.stdout, compress=options["gzip"]) as file:
                shown = watched(self, options["output"], options["verbosity"])
                for self.count in followed(steps(file), "Entries exported", shown=shown):
                    pass
            whole = True
        finally:
            if whole or self.count:
                exports.record(selection, form, self.count, whole=whole)

    def selection(self, using: str, **options: Any) -> exports.Selection:
        """Return what the options ask for; raise ExportError for what does not go together."""
        if options["evidence"] and (options["output"] is None or options["gzip"]):
            raise ExportError("--evidence needs --output, and is compressed without --gzip.")
        log = AuditLog.objects.using(using)
        who = (options["user"], options["actor"])
        user, actor = (find_person(name, log) if name else None for name in who)
        asked = {name: options[name] for name in _AS_TYPED}
        return exports.Selection(person=user, actor=actor, **asked)

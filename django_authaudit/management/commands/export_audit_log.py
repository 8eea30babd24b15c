"""Write entries to a file or a pipe, in any format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections

from django_authaudit import events, exports, formats
from django_authaudit.entry import Entry
from django_authaudit.exceptions import ExportError, PersonError
from django_authaudit.management.arguments import moment
from django_authaudit.management.destinations import file_or_pipe, nobody_reads
from django_authaudit.management.stopping import stop_when_asked
from django_authaudit.models import AuditLog
from django_authaudit.people import find_person
from django_authaudit.sinks.database import write_alias

_ERASE_LINE = "\r\x1b[K"
_SHOW_EVERY = 5_000
"""Lines after which the progress is shown."""


class Command(BaseCommand):
    """Export, and record that it was done."""

    help = "Export entries of the audit log, oldest first, one a line."
    # Evidence is wanted above all where something is wrong.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        add = parser.add_argument
        add("--since", type=moment, help="first moment, such as 2026-01-31 or 2026-01-31T08:00")
        add("--until", type=moment, help="moment that ends it, not included")
        add("--event", default="", help="code of an event, or its beginning, such as auth.login")
        add("--outcome", default="", choices=[code for code, _ in events.OUTCOMES])
        add(
            "--user",
            default="",
            help="user name, e-mail address or key: everything about one person",
        )
        add("--ip", default="", help="address or network, such as 203.0.113.0/24")
        add(
            "--format", default="jsonl", choices=[*formats.discover()], help="default: %(default)s"
        )
        add("--gzip", action="store_true", help="compress")
        add("--output", type=Path, help="new file to write (default: standard output)")
        add(
            "--database",
            choices=tuple(connections),
            help="database to read from (default: the one that the log is written to)",
        )

    def handle(self, **options: Any) -> None:
        """Export; raise CommandError with status 2 for whatever prevents it."""
        self.count = 0
        try:
            self.export(**options)
        except BrokenPipeError:
            # Who reads it has seen enough.
            nobody_reads()
        except (ExportError, PersonError, Error, ImproperlyConfigured, OSError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        except KeyboardInterrupt:
            raise CommandError(f"Stopped. Entries exported: {self.count}.", returncode=2) from None
        else:
            if options["output"] is not None and options["verbosity"] >= 1:
                self.stdout.write(f"Entries exported: {self.count}.")

    def export(self, **options: Any) -> None:
        """Write what is selected, and record it, also when it is broken off."""
        using, path = options["database"] or write_alias(), options["output"]
        log = AuditLog.objects.using(using)
        person = find_person(options["user"], log) if options["user"] else None
        asked = {name: options[name] for name in ("since", "until", "event", "outcome", "ip")}
        selection = exports.Selection(person=person, **asked)
        format = formats.make_format(options["format"])
        entries = self.counted(selection.entries(using), progress=self.shows_progress(**options))
        whole = False
        try:
            with file_or_pipe(path, self.stdout, compress=options["gzip"]) as file:
                for line in exports.lines(entries, format):
                    file.write(line)
            whole = True
        finally:
            if whole or self.count:
                exports.record(selection, format, self.count, whole=whole)

    def counted(self, entries: Iterator[Entry], *, progress: bool) -> Iterator[Entry]:
        """Yield `entries`, until told to stop; count them, and show how many."""
        with stop_when_asked() as asked:
            for entry in entries:
                yield entry
                self.count += 1
                if progress and self.count % _SHOW_EVERY == 0:
                    self.show(f"Entries exported: {self.count}, up to {entry.created_at:%Y-%m-%d}")
                if asked:
                    raise KeyboardInterrupt
        if progress:
            self.show("")

    def shows_progress(self, **options: Any) -> bool:
        """Return whether somebody looks at the standard error, and not at the entries there."""
        entries_are_shown = options["output"] is None and self.stdout.isatty()
        return options["verbosity"] >= 1 and self.stderr.isatty() and not entries_are_shown

    def show(self, line: str) -> None:
        """Put `line` in the place of the one before, on a terminal."""
        self.stderr.write(_ERASE_LINE + line, style_func=str, ending="")
        self.stderr.flush()

"""Report what can be recorded, what was, how the log is kept, and what a standard says to that."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error
from django.utils import timezone

from django_authaudit.exceptions import TamperedError
from django_authaudit.management.arguments import add_database, moment
from django_authaudit.reports import document, inventory, profiles, renderers, report
from django_authaudit.sinks.database import write_alias

_PERIOD = timedelta(days=30)


class Command(BaseCommand):
    """Print the report; end with status 1 if an event or a clause fails."""

    help = "Report what the audit log records, what it has recorded, and how it is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--since", type=moment, help="report activity from then on (30 days)")
        parser.add_argument("--until", type=moment, help="report activity until then (now)")
        parser.add_argument("--format", choices=renderers.names(), default="text")
        parser.add_argument(
            "--profile",
            choices=profiles.names(),
            help="say of each clause of a standard whether it holds",
        )
        parser.add_argument(
            "--inventory", action="store_true", help="print the logging inventory (ASVS 16.1.1)"
        )
        add_database(parser)

    def handle(self, *, database: str | None, **options: Any) -> None:
        """Print; raise CommandError with status 1 for what fails, 2 for other errors."""
        using = database or write_alias()
        answer = self._inventory if options["inventory"] else self._report
        try:
            failed = answer(using, **options)
        except (Error, TamperedError) as error:
            raise CommandError(" ".join(str(error).split()), returncode=2) from error
        if failed:
            raise CommandError(failed, returncode=1)

    def _inventory(self, using: str, **options: Any) -> str:
        found = inventory.collect(using=using)
        sections = document.of_inventory(found)
        self._show("Logging inventory", sections, asdict(found), **options)
        return ""

    def _report(self, using: str, *, profile: str | None, **options: Any) -> str:
        until = options["until"] or timezone.now()
        since = options["since"] or until - _PERIOD
        found = report.collect(since=since, until=until, using=using)
        sections, data = [*document.of_report(found)], asdict(found)
        data["coverage"]["sentence"] = found.coverage.sentence
        failed = []
        if found.coverage.missing:
            failed.append("Some events of this project are never recorded.")
        if profile:
            standard = profiles.get(profile)
            verdicts = profiles.judge(found, standard)
            sections += document.of_verdicts(standard.title, verdicts)
            data["profile"] = {"title": standard.title, "verdicts": [*map(asdict, verdicts)]}
            if clauses := [verdict.clause for verdict in verdicts if verdict.failed]:
                failed.append(f"Clauses that fail: {', '.join(clauses)}.")
        self._show("Audit log report", sections, data, **options)
        return " ".join(failed)

    def _show(self, title: str, sections: Any, data: dict[str, Any], **options: Any) -> None:
        made = f"{timezone.now():%Y-%m-%d %H:%M} UTC"
        text = renderers.render(options["format"], title, sections, {"made": made, **data})
        self.stdout.write(text, ending="")

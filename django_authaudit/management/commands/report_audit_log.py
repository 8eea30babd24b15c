"""Report what is listened to, what can be recorded, what was, and how the log fares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import Error, connections
from django.utils.module_loading import import_string

from django_authaudit import reports, sources
from django_authaudit.middleware import AuditMiddleware
from django_authaudit.sinks.database import write_alias


class Command(BaseCommand):
    """Print the report; end with status 1 if an event that the project has is never recorded."""

    help = "Report which events can be recorded, which were, and how the audit log fares."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the options."""
        parser.add_argument("--json", action="store_true", help="print JSON, for machines")
        parser.add_argument(
            "--database",
            choices=tuple(connections),
            help="the database that holds the log (default: the one that it is written to)",
        )

    def handle(self, *, database: str | None, **options: Any) -> None:
        """Print; raise CommandError with status 1 for missing events, 2 for other errors."""
        using = database or write_alias()
        try:
            coverage = reports.coverage(obstacles(), using=using)
            health = reports.health(using=using)
        except Error as error:
            raise CommandError(f"{' '.join(str(error).split())}", returncode=2) from error
        if options["json"]:
            report = {
                "sources": {name: sources.why_not_connected(name) for name in sources.discover()},
                "coverage": {"sentence": coverage.sentence, **asdict(coverage)},
                "health": asdict(health),
            }
            self.stdout.write(json.dumps(report, cls=DjangoJSONEncoder, indent=2))
        else:
            for line in lines(coverage, health):
                self.stdout.write(line)
        if coverage.missing:
            raise CommandError("Some events of this project are never recorded.", returncode=1)


def obstacles() -> dict[str, str]:
    """Return each event that this project's packages have, with what keeps it from the log."""
    found: dict[str, str] = {}
    seen_by_middleware = any(map(_is_ours, settings.MIDDLEWARE))
    for name, source in sources.discover().items():
        for code in source.records if source.available else ():
            obstacle = sources.why_not_connected(name)
            if not obstacle and code in source.by_response and not seen_by_middleware:
                obstacle = "AuditMiddleware is not in MIDDLEWARE"
            # Recorded by one source is recorded.
            found[code] = "" if found.get(code) == "" else obstacle
    return found


def _is_ours(path: str) -> bool:
    found = import_string(path)
    return isinstance(found, type) and issubclass(found, AuditMiddleware)


def lines(coverage: reports.Coverage, health: reports.Health) -> Iterator[str]:
    """Yield the report as text."""
    yield "Sources"
    for name in sources.discover():
        yield f"  {name:<24} {sources.why_not_connected(name) or 'connected'}"
    yield "\nEvents (code, entries, last)"
    for event in coverage.events:
        last = f"{event.last:%Y-%m-%d %H:%M:%S %Z}" if event.last else "never"
        yield f"  {event.code:<34} {event.seen:>9}  {event.obstacle or last}"
    yield "\nHealth"
    for name, value in asdict(health).items():
        yield f"  {name.replace('_', ' '):<24} {'never' if value is None else value}"
    yield f"\n{coverage.sentence}"

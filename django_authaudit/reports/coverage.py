"""What can be recorded in this project, and what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Max
from django.utils.module_loading import import_string

from django_authaudit import events, sources
from django_authaudit.middleware import AuditMiddleware
from django_authaudit.models import AuditLog
from django_authaudit.querysets import readable


@dataclass(frozen=True)
class EventCoverage:
    """Whether an event can be recorded in this project, and how often it was."""

    code: str
    obstacle: str
    """Why it can never be recorded here; empty: it can."""
    seen: int
    last: datetime | None


@dataclass(frozen=True)
class Coverage:
    """What the specification's auditor counts: event types found, and those that are logged."""

    sources: dict[str, str]
    """Each source by name, with why it listens to nothing, or nothing if it does listen."""
    events: tuple[EventCoverage, ...]

    @property
    def missing(self) -> tuple[EventCoverage, ...]:
        """The event types that this project has and that can never be recorded."""
        return tuple(event for event in self.events if event.obstacle)

    @property
    def sentence(self) -> str:
        """The result in the words of the specification."""
        found, logged = len(self.events), len(self.events) - len(self.missing)
        if not self.missing:
            return (
                f"{found} auth event types found, all {logged} are logged with timestamp and "
                "user ID."
            )
        return (
            f"{found} auth event types found, {logged} are logged with timestamp and user ID, "
            f"{found - logged} are not: {', '.join(event.code for event in self.missing)}."
        )


def collect(*, using: str) -> Coverage:
    """Return the coverage of the events that this project has.

    Entries of other events are counted with them: a project's own code records those.
    """
    rows = (
        AuditLog.objects.using(using)
        .order_by()
        .values_list("event")
        .annotate(seen=Count("pk"), last=Max("created_at"))
    )
    with readable():
        seen = {code: (count, last) for code, count, last in rows}
        own = {code for code in seen if events.get(code).family not in ("audit", "alert")}
    found = obstacles()
    return Coverage(
        {name: sources.why_not_connected(name) for name in sources.discover()},
        tuple(
            EventCoverage(code, found.get(code, ""), *seen.get(code, (0, None)))
            for code in sorted({*found, *own})
        ),
    )


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

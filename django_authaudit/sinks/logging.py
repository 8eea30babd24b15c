"""Python's own logging: each entry a record, and any format as its formatter."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django_authaudit import events
from django_authaudit.entry import Entry
from django_authaudit.formats import make_format
from django_authaudit.sinks.base import Sink

LOGGER = "django_authaudit.entries"
"""Apart from ``django_authaudit``, which tells of the audit's own troubles."""
LEVELS: Mapping[str, int] = {
    "info": logging.INFO,
    "low": logging.INFO,
    "medium": logging.WARNING,
    "high": logging.ERROR,
    "critical": logging.CRITICAL,
}
"""The level of a record by the severity of its event."""


class LoggingSink(Sink):
    """Logs each entry to the logger of that name, as ``record.entry``.

    Its handlers say where it goes. The record's message is a line of the format's, so that a
    handler without a formatter of its own prints it too.
    """

    durable = False

    def __init__(
        self,
        logger: str = LOGGER,
        format: str = "jsonl",
        format_options: dict[str, Any] | None = None,
    ) -> None:
        self.logger = logging.getLogger(logger)
        self.format = make_format(format, **(format_options or {}))

    def emit(self, entries: Sequence[Entry]) -> None:
        """Log `entries`; what a handler cannot do, it tells in its own way."""
        for entry in entries:
            level = LEVELS.get(events.get(entry.event).severity, logging.INFO)
            if self.logger.isEnabledFor(level):
                # As an argument: a percent sign in the line means nothing.
                self.logger.log(level, "%s", self.format.dumps(entry), extra={"entry": entry})


class EntryFormatter(logging.Formatter):
    """Writes the entry of a record in a format of its handler's own; other records as ever.

    For a second handler, which is to write another format than the sink does.
    """

    def __init__(self, format: str = "jsonl", **options: Any) -> None:
        super().__init__()
        self.entry_format = make_format(format, **options)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of the record."""
        entry = getattr(record, "entry", None)
        if isinstance(entry, Entry):
            return self.entry_format.dumps(entry)
        return super().format(record)

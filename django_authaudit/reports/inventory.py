"""The logging inventory that OWASP ASVS 5.0 asks for (16.1.1), of the catalogue and wiring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django_authaudit import events, sources, spool
from django_authaudit.models import AuditLog
from django_authaudit.reports import protection
from django_authaudit.reports.coverage import obstacles
from django_authaudit.reports.protection import Protection


@dataclass(frozen=True)
class InventoryItem:
    """One event that this project can have."""

    code: str
    label: str
    severity: str
    sources: tuple[str, ...]
    """What records it; empty: the log itself, or the project's own code."""
    obstacle: str
    retention_days: int | None
    """None: for good."""


@dataclass(frozen=True)
class Inventory:
    """What is logged, by whom, where to, for how long, and who may read it."""

    items: tuple[InventoryItem, ...]
    table: str
    spool_folder: str
    protection: Protection


def collect(*, using: str) -> Inventory:
    """Return the inventory of the log in the database `using`."""
    kept = protection.collect(using=using)
    found = obstacles()
    by = _sources()
    elsewhere = {code for source in sources.discover().values() for code in source.records}
    return Inventory(
        tuple(
            InventoryItem(
                event.code,
                str(event.label),
                event.severity,
                by.get(event.code, ()),
                found.get(event.code, ""),
                _days(event.code, kept.retention_days),
            )
            for event in sorted(events.registered(), key=lambda event: event.code)
            # What only packages record that are not installed, this project cannot have.
            if event.code in found or event.code not in elsewhere
        ),
        AuditLog._meta.db_table,
        str(spool.folder(using)),
        kept,
    )


def _sources() -> dict[str, tuple[str, ...]]:
    by: dict[str, tuple[str, ...]] = {}
    for name, source in sources.discover().items():
        for code in source.records if source.available else ():
            by[code] = (*by.get(code, ()), name)
    return by


def _days(code: str, periods: Mapping[str, int | None]) -> int | None:
    """Return the period of the longest prefix, as pruning does."""
    return periods[max((prefix for prefix in periods if code.startswith(prefix)), key=len)]

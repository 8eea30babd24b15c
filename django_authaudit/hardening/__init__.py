"""Triggers that let the tables of the log grow, and refuse whatever else SQL can do to rows.

The app itself prunes and erases, and says so to the triggers: within one transaction, by a
variable of the session or, on SQLite, which has none, by a row that no other transaction ever
sees. Whoever may drop a trigger may do all this too: it stops mistakes and casual hands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.apps import apps
from django.db import connections, transaction

from django_authaudit import events
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.hardening.base import DELETE, PREFIX, UPDATE, Guard
from django_authaudit.hardening.mysql import MySQLGuard
from django_authaudit.hardening.postgresql import PostgreSQLGuard
from django_authaudit.hardening.sqlite import SQLiteGuard
from django_authaudit.recorder import record

__all__ = ["DELETE", "UPDATE", "HardeningError", "disable", "enable", "gaps", "permitted"]

APPEND_ONLY = ("AuditLog", "AuditHold", "AuditSeal", "SealedRun")
"""The models whose tables are protected."""

_GUARDS: Mapping[str, type[Guard]] = {
    "postgresql": PostgreSQLGuard,
    "mysql": MySQLGuard,
    "sqlite": SQLiteGuard,
}


class HardeningError(AuthAuditError):
    """Raised for a database that has no triggers of ours."""


def enable(using: str) -> None:
    """Have the database `using` refuse to change the log; record it if it did not yet.

    Raises HardeningError for a database without such triggers, and the database's error where
    the user may make none.
    """
    guard = _guard(using)
    news = bool(gaps(using))
    with transaction.atomic(using=using):
        for table, key in _tables().items():
            guard.drop(table)
            guard.create(table, key)
    if news:
        record(events.AUDIT_HARDENING_ENABLED, metadata={"database": using})


def disable(using: str) -> None:
    """Remove the triggers; record it if there were any. Raises as `enable()` does."""
    guard = _guard(using)
    news = any(guard.refused(table) for table in _tables())
    with transaction.atomic(using=using):
        for table in _tables():
            guard.drop(table)
    if news:
        record(events.AUDIT_HARDENING_DISABLED, metadata={"database": using})


def gaps(using: str) -> list[tuple[str, str]]:
    """Return what is not refused: (operation, table). Raises HardeningError."""
    guard = _guard(using)
    return [
        (operation, table)
        for table in _tables()
        for operation in guard.operations
        if operation not in guard.refused(table)
    ]


@contextmanager
def permitted(operation: str, using: str) -> Iterator[None]:
    """Let this transaction UPDATE or DELETE what the triggers protect; there need not be any."""
    guard = _GUARDS.get(connections[using].vendor)
    if guard is None:
        yield
        return
    with guard(connections[using]).permitted(operation):
        yield


def _tables() -> dict[str, str]:
    """Return the protected tables, each with its primary key."""
    metas = [apps.get_model(PREFIX, name)._meta for name in APPEND_ONLY]
    return {meta.db_table: str(meta.pk.column) for meta in metas}


def _guard(using: str) -> Guard:
    vendor = connections[using].vendor
    if vendor not in _GUARDS:
        raise HardeningError(
            f"There are no triggers for {vendor}: take the rights to change and delete rows from "
            "the user of the database."
        )
    return _GUARDS[vendor](connections[using])

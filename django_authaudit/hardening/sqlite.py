"""The triggers of SQLite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from django_authaudit.hardening.base import DELETE, MESSAGE, PREFIX, UPDATE, Guard, name_of

REPLACE = "REPLACE"


class SQLiteGuard(Guard):
    """Row triggers; INSERT OR REPLACE deletes rows unseen by them, so it is refused as well."""

    operations: ClassVar[tuple[str, ...]] = (UPDATE, DELETE, REPLACE)
    permits = f"{PREFIX}_permits"

    def create(self, table: str, key: str) -> None:
        """Make the triggers, and the table whose row lets the app pass."""
        unknown = f"NOT EXISTS (SELECT 1 FROM {self.permits} WHERE operation = '{{}}')"  # noqa: S608
        conditions = {
            UPDATE: unknown.format(UPDATE),
            DELETE: unknown.format(DELETE),
            REPLACE: f'EXISTS (SELECT 1 FROM "{table}" WHERE "{key}" = NEW."{key}")',  # noqa: S608
        }
        self.run(
            f"CREATE TABLE IF NOT EXISTS {self.permits} (operation TEXT PRIMARY KEY)",
            *(
                f"""
                CREATE TRIGGER "{name_of(operation, table)}"
                BEFORE {"INSERT" if operation == REPLACE else operation} ON "{table}"
                WHEN {condition} BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END
                """
                for operation, condition in conditions.items()
            ),
        )

    def drop(self, table: str) -> None:
        """Drop them by name; the table of permits stays, for it may serve another's triggers."""
        self.run(
            *(f'DROP TRIGGER IF EXISTS "{name_of(o, table)}"' for o in self.operations),
        )

    def refused(self, table: str) -> set[str]:
        """Ask the schema."""
        found = self.names(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", table
        )
        return {operation for operation in self.operations if name_of(operation, table) in found}

    @contextmanager
    def permitted(self, operation: str) -> Iterator[None]:
        """Insert a row and delete it again: no other transaction ever sees it."""
        if not self.names("SELECT name FROM sqlite_master WHERE name = %s", self.permits):
            yield
            return
        self.run(f"INSERT INTO {self.permits} VALUES ('{operation}')")  # noqa: S608
        yield
        self.run(f"DELETE FROM {self.permits}")  # noqa: S608

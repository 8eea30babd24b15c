"""The triggers of MariaDB and MySQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import InterfaceError, OperationalError

from django_authaudit.hardening.base import (
    DELETE,
    MESSAGE,
    PREFIX,
    TRUNCATE,
    UPDATE,
    Guard,
    name_of,
)


class MySQLGuard(Guard):
    """Row triggers; no trigger sees TRUNCATE, but a foreign key to the table forbids it."""

    def create(self, table: str, key: str) -> None:
        """Make the triggers, and an empty table with a foreign key of the same type."""
        (kind,) = self.names(
            "SELECT column_type FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = %s AND column_name = %s",
            table,
            key,
        )
        self.run(
            *(
                f"""
                CREATE TRIGGER `{name_of(operation, table)}` BEFORE {operation} ON `{table}`
                FOR EACH ROW IF COALESCE(@{PREFIX}_permits, '') <> '{operation}' THEN
                    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{MESSAGE}';
                END IF
                """
                for operation in (UPDATE, DELETE)
            ),
            f"CREATE TABLE `{name_of(TRUNCATE, table)}` "
            f"(id {kind} PRIMARY KEY, FOREIGN KEY (id) REFERENCES `{table}` (`{key}`))",
        )

    def drop(self, table: str) -> None:
        """Drop them by name."""
        self.run(
            *(f"DROP TRIGGER IF EXISTS `{name_of(o, table)}`" for o in (UPDATE, DELETE)),
            f"DROP TABLE IF EXISTS `{name_of(TRUNCATE, table)}`",
        )

    def refused(self, table: str) -> set[str]:
        """Ask the dictionary for the triggers and for the table with the foreign key."""
        found = self.names(
            "SELECT trigger_name FROM information_schema.triggers "
            "WHERE event_object_schema = DATABASE() AND event_object_table = %s "
            "UNION SELECT table_name FROM information_schema.referential_constraints "
            "WHERE constraint_schema = DATABASE() AND referenced_table_name = %s",
            table,
            table,
        )
        return {operation for operation in self.operations if name_of(operation, table) in found}

    @contextmanager
    def permitted(self, operation: str) -> Iterator[None]:
        """Set a variable of the session, which no rollback resets."""
        self.run(f"SET @{PREFIX}_permits = '{operation}'")
        try:
            yield
        finally:
            # A lost connection has lost the variable too.
            with suppress(OperationalError, InterfaceError):
                self.run(f"SET @{PREFIX}_permits = NULL")

"""What the triggers of every database have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from typing import ClassVar

from django.db.backends.base.base import BaseDatabaseWrapper

UPDATE, DELETE, TRUNCATE = "UPDATE", "DELETE", "TRUNCATE"
PREFIX = "django_authaudit"
MESSAGE = "The audit log only grows: rows leave by prune_audit_log and erase_audit_log alone."


class Guard(ABC):
    """How one kind of database refuses, and how it is told to let the app itself pass."""

    operations: ClassVar[tuple[str, ...]] = (UPDATE, DELETE, TRUNCATE)

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    @abstractmethod
    def create(self, table: str, key: str) -> None:
        """Make the triggers of `table`, which has none and the primary key `key`."""

    @abstractmethod
    def drop(self, table: str) -> None:
        """Remove those that there are."""

    @abstractmethod
    def refused(self, table: str) -> set[str]:
        """Return the operations that are refused."""

    @abstractmethod
    def permitted(self, operation: str) -> AbstractContextManager[None]:
        """Let `operation` pass within the transaction that is open."""

    def run(self, *statements: str) -> None:
        """Execute statements that are part of this module."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def names(self, query: str, *values: str) -> set[str]:
        """Return the first column of what `query` finds."""
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return {name for (name, *_) in cursor.fetchall()}


def name_of(operation: str, table: str) -> str:
    return f"{table}_no_{operation.lower()}"

"""The table of the log: one INSERT a flush, which waits for a lock a quarter of a second at most.

The wait is bounded without touching the host's own queries: for this statement alone where the
database can, else set and restored around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from django_authaudit import transactions
from django_authaudit.conf import conf
from django_authaudit.entry import Entry
from django_authaudit.guard import guard
from django_authaudit.sinks.base import Sink

LOCK_WAIT = 0.25
"""Seconds that an INSERT waits for a locked table."""
_MOST_ROWS = 40
"""Rows an INSERT: SQLite knew 999 variables a statement before 3.32."""


class DatabaseSink(Sink):
    """Inserts entries as rows of `AuditLog`."""

    spools = True

    def emit(self, entries: Sequence[Entry]) -> None:
        """Insert `entries` in one transaction; raise the database's error if it refuses."""
        insert(write_alias(), entries)


def insert(alias: str, entries: Sequence[Entry]) -> None:
    """Insert `entries` into the database `alias`, all or none; raise its error if it refuses."""
    connection = connections[alias]
    if connection.in_atomic_block or transactions.by_hand(alias):
        # A TestCase's transaction, or one by hand: a savepoint keeps an error from it.
        with transaction.atomic(using=alias):
            _insert_all(connection, entries, _plain)
        return
    try:
        with _little_patience(connection):
            if len(entries) > _MOST_ROWS:
                with transaction.atomic(using=alias):
                    _insert_all(connection, entries, _bounded(connection))
            else:
                _insert_all(connection, entries, _bounded(connection))
    except Error:
        _close_if_unusable(connection)
        raise


def _close_if_unusable(connection: BaseDatabaseWrapper) -> None:
    # Django's own way would end one that is only locked out, too: by default it is obsolete.
    is_open = connection.connection is not None
    if is_open and connection.errors_occurred and not connection.is_usable():
        connection.close()


def write_alias() -> str:
    """Return the alias of the database that the log is written to.

    One that ``DATABASES`` lacks (a system check says so) counts as unset, and where a router fails
    it is the default one: nothing may be lost.
    """
    from django_authaudit.models import AuditLog

    alias = conf.AUTHAUDIT_DATABASE
    if isinstance(alias, str) and alias in connections.settings:
        return alias
    with guard("asking the routers"):
        return router.db_for_write(AuditLog)
    return DEFAULT_DB_ALIAS


Execute = Callable[[CursorWrapper, str, list[Any]], None]


def _insert_all(
    connection: BaseDatabaseWrapper, entries: Sequence[Entry], execute: Execute
) -> None:
    with connection.cursor() as cursor:
        for start in range(0, len(entries), _MOST_ROWS):
            chunk = entries[start : start + _MOST_ROWS]
            execute(
                cursor, _statement(str(connection.alias), len(chunk)), _values(connection, chunk)
            )


@lru_cache(maxsize=256)
def _statement(alias: str, rows: int) -> str:
    from django_authaudit.models import AuditLog

    quote = connections[alias].ops.quote_name
    columns = [str(field.column) for field in AuditLog._meta.concrete_fields]
    row = f"({', '.join(['%s'] * len(columns))})"
    names = ", ".join(quote(column) for column in columns)
    table = quote(AuditLog._meta.db_table)
    return f"INSERT INTO {table} ({names}) VALUES {', '.join([row] * rows)}"  # noqa: S608


def _values(connection: BaseDatabaseWrapper, entries: Sequence[Entry]) -> list[Any]:
    from django_authaudit.models import AuditLog

    fields = AuditLog._meta.concrete_fields
    return [
        field.get_db_prep_save(_stored(getattr(entry, field.attname)), connection)
        for entry in entries
        for field in fields
    ]


def _stored(value: Any) -> Any:
    """Return a time as the project keeps times; without zones, in that of the project."""
    if isinstance(value, datetime) and not settings.USE_TZ:
        return timezone.make_naive(value, timezone.get_default_timezone())
    return value


@contextmanager
def _little_patience(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have SQLite wait LOCK_WAIT for any lock inside: BEGIN and COMMIT take some too."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    # Past Django's cursor, which would log and count the pragmas as the host's queries.
    raw = connection.connection
    (before,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute(f"PRAGMA busy_timeout = {_milliseconds()}")
    try:
        yield
    finally:
        raw.execute(f"PRAGMA busy_timeout = {before}")


def _bounded(connection: BaseDatabaseWrapper) -> Execute:
    """Return how to execute a statement on `connection` within LOCK_WAIT."""
    if connection.vendor == "postgresql":
        return _postgresql
    if connection.vendor == "mysql":
        return _mariadb if getattr(connection, "mysql_is_mariadb", False) else _mysql
    return _plain


def _plain(cursor: CursorWrapper, sql: str, values: list[Any]) -> None:
    cursor.execute(sql, values)


def _postgresql(cursor: CursorWrapper, sql: str, values: list[Any]) -> None:
    options = cursor.db.settings_dict["OPTIONS"]
    if options.get("server_side_binding"):
        # The extended protocol takes one statement at a time.
        with transaction.atomic(using=cursor.db.alias):
            cursor.execute(f"SET LOCAL lock_timeout = {_milliseconds()}")
            cursor.execute(sql, values)
    else:
        # Two statements in one message are one transaction and one round trip.
        cursor.execute(f"SET LOCAL lock_timeout = {_milliseconds()}; {sql}", values)


def _mariadb(cursor: CursorWrapper, sql: str, values: list[Any]) -> None:
    cursor.execute(f"SET STATEMENT max_statement_time = {LOCK_WAIT} FOR {sql}", values)


def _mysql(cursor: CursorWrapper, sql: str, values: list[Any]) -> None:
    # MySQL bounds neither INSERTs nor fractions of a second: one second is the least.
    with _session_variable(cursor, "lock_wait_timeout", 1):  # noqa: SIM117
        with _session_variable(cursor, "innodb_lock_wait_timeout", 1):
            cursor.execute(sql, values)


@contextmanager
def _session_variable(cursor: CursorWrapper, name: str, value: int) -> Iterator[None]:
    cursor.execute(f"SELECT @@SESSION.{name}")
    (before,) = cursor.fetchone()
    cursor.execute(f"SET SESSION {name} = {value}")
    try:
        yield
    finally:
        cursor.execute(f"SET SESSION {name} = {before}")


def _milliseconds() -> int:
    return int(LOCK_WAIT * 1000)

"""Databases of the benchmarks: made before a run, dropped after it, never one that was there."""

import json
import os
import secrets
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

HERE = Path(__file__).parent
VENDORS = ("postgresql", "sqlite")


class CannotRunError(Exception):
    """What the benchmark needs is not there."""


@dataclass(frozen=True)
class Database:
    """One database of one project, and the folder that belongs to it."""

    vendor: str
    name: str
    folder: Path
    # Whether transactions of SQLite wait for each other, as its docs advise for several processes.
    immediate: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """Return the entry for Django's `DATABASES`."""
        common = {"NAME": self.name, "ATOMIC_REQUESTS": True, "CONN_MAX_AGE": 60}
        if self.vendor == "sqlite":
            options = {"transaction_mode": "IMMEDIATE", "timeout": 20} if self.immediate else {}
            return {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options, **common}
        host, port, user, password = _server()
        return {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": host,
            "PORT": port,
            "USER": user,
            "PASSWORD": password,
            **common,
        }

    @property
    def spool(self) -> Path:
        """Return the folder that the project's entries are spooled to."""
        return self.folder / "spool"

    def spooled(self) -> int:
        """Return how many entries the spool holds."""
        entries = 0
        for path in self.spool.glob("*"):
            # Replayed meanwhile.
            with suppress(FileNotFoundError):
                entries += len(path.read_bytes().splitlines())
        return entries

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, on a connection of its own."""
        with self.connect() as connection:
            return list(connection.execute(statement).fetchall())

    @contextmanager
    def connect(self) -> Iterator[Any]:
        """Connect with the driver, in autocommit mode."""
        if self.vendor == "sqlite":
            with closing(sqlite3.connect(self.name, timeout=30, isolation_level=None)) as lite:
                yield lite
        else:
            with _connect(self.name) as connection:
                yield connection


def environment(
    variant: str,
    database: Database,
    *,
    audit: dict[str, Any] | None = None,
) -> dict[str, str]:
    """Return the process environment of a project; `audit` is a second alias for the log."""
    aliases: dict[str, Any] = {"default": database.settings}
    chosen: dict[str, Any] = {}
    if variant.startswith("authaudit"):
        chosen["AUTHAUDIT_SPOOL_DIR"] = str(database.spool)
    if audit is not None:
        # Django would open a transaction on it for each request, and fail if it can't.
        aliases["audit"] = {**audit, "ATOMIC_REQUESTS": False}
        chosen["AUTHAUDIT_DATABASE"] = "audit"
        chosen["DATABASE_ROUTERS"] = ["django_authaudit.routers.AuditRouter"]
    return {
        **os.environ,
        "PYTHONPATH": str(HERE),
        "DJANGO_SETTINGS_MODULE": "bench_project.settings",
        "BENCH_VARIANT": variant,
        "BENCH_FOLDER": str(database.folder),
        "BENCH_DATABASES": json.dumps(aliases),
        "BENCH_SETTINGS": json.dumps(chosen),
    }


@contextmanager
def temporary_database(vendor: str, *, immediate: bool = False) -> Iterator[Database]:
    """Make an empty database, and drop it afterwards."""
    with tempfile.TemporaryDirectory(prefix="authaudit-bench-") as folder:
        if vendor == "sqlite":
            path = Path(folder) / "db.sqlite3"
            yield Database(vendor, str(path), Path(folder), immediate)
            return
        name = f"authaudit_bench_{secrets.token_hex(6)}"
        _administer("CREATE DATABASE {}", name)
        try:
            yield Database(vendor, name, Path(folder))
        finally:
            _administer("DROP DATABASE {} WITH (FORCE)", name)


def clean_up_when_terminated() -> None:
    """Have SIGTERM drop the databases on its way out, as Ctrl-C does."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


def server_version(vendor: str) -> str:
    """Return the name and version of the database server."""
    if vendor == "sqlite":
        return f"SQLite {sqlite3.sqlite_version}"
    with _connect() as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return f"PostgreSQL {row[0].split()[0]}" if row else "PostgreSQL"


def _server() -> tuple[str, str, str, str]:
    """Return where PostgreSQL is, from the variables that its own tools read."""
    return (
        os.environ.get("PGHOST", "127.0.0.1"),
        os.environ.get("PGPORT", "5432"),
        os.environ.get("PGUSER", "postgres"),
        os.environ.get("PGPASSWORD", ""),
    )


def _connect(name: str = "postgres") -> psycopg.Connection[Any]:
    host, port, user, password = _server()
    try:
        return psycopg.connect(
            host=host,
            port=port,
            user=user,
            password=password,
            dbname=name,
            autocommit=True,
            connect_timeout=5,
        )
    except psycopg.OperationalError as error:
        raise CannotRunError(f"PostgreSQL does not answer (PGHOST, ...): {error}") from error


def _administer(statement: str, name: str) -> None:
    with _connect() as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))

"""Whether the log's database can do harm by its own settings: by a transaction or by silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.db import DEFAULT_DB_ALIAS, connections

from django_authaudit.checks.values import Check
from django_authaudit.conf import conf
from django_authaudit.sinks.database import write_alias

_LOCAL = ("", "localhost", "127.0.0.1", "::1")
_OWN_TIMEOUTS = ("connect_timeout", "service", "read_default_file", "pool")
"""Options that bound the time to connect, or lead to where it may be bounded."""


def check_log_is_in_no_view_transaction(**kwargs: Any) -> Iterator[CheckMessage]:
    """W040: with ATOMIC_REQUESTS, Django connects to the log's database before each view."""
    for alias in _own():
        if connections.settings[alias]["ATOMIC_REQUESTS"]:
            yield Warning(
                f"DATABASES[{alias!r}] holds the log and has ATOMIC_REQUESTS: Django opens a "
                "transaction there for every view, so while that database is away every request "
                "fails.",
                hint=f"Take ATOMIC_REQUESTS from DATABASES[{alias!r}], unless it holds more than "
                "the log; entries outlive a rollback without it.",
                id="django_authaudit.W040",
            )


def check_connecting_is_bounded(**kwargs: Any) -> Iterator[CheckMessage]:
    """W041: a machine that drops packets costs a request minutes, not a refusal."""
    for alias in _own():
        if _is_distant(alias) and not _is_bounded(alias):
            yield Warning(
                f"DATABASES[{alias!r}] holds the log on another machine, and connecting to it "
                "may take minutes while that does not answer.",
                hint=f"Add 'connect_timeout': 2 (seconds) to DATABASES[{alias!r}]['OPTIONS']; "
                "meanwhile entries wait in the spool.",
                id="django_authaudit.W041",
            )


def check_log_commits_by_itself(**kwargs: Any) -> Iterator[CheckMessage]:
    """W042: rows that nobody commits are none."""
    decided = isinstance(conf.AUTHAUDIT_DATABASE, (str, type(None)))
    alias = write_alias() if decided else DEFAULT_DB_ALIAS
    if not connections.settings[alias]["AUTOCOMMIT"]:
        yield Warning(
            f"DATABASES[{alias!r}] holds the log and has AUTOCOMMIT off, so that a row lasts only "
            "if your code commits after it: every entry stays in the spool.",
            hint="Give the log an alias of its own with AUTOCOMMIT on, and name it in "
            "AUTHAUDIT_DATABASE.",
            id="django_authaudit.W042",
        )


def _own() -> Iterator[str]:
    """Yield the alias that the log has beside the project's, if it has one."""
    alias = conf.AUTHAUDIT_DATABASE
    if isinstance(alias, str) and alias in connections and alias != DEFAULT_DB_ALIAS:
        yield alias


def _is_distant(alias: str) -> bool:
    host = connections.settings[alias]["HOST"]
    has_server = connections[alias].vendor in ("postgresql", "mysql")
    return has_server and host not in _LOCAL and not host.startswith("/")


def _is_bounded(alias: str) -> bool:
    # libpq and psycopg read the variable.
    if connections[alias].vendor == "postgresql" and os.environ.get("PGCONNECT_TIMEOUT"):
        return True
    return any(name in connections.settings[alias]["OPTIONS"] for name in _OWN_TIMEOUTS)


CHECKS: tuple[Check, ...] = (
    check_log_is_in_no_view_transaction,
    check_connecting_is_bounded,
    check_log_commits_by_itself,
)

"""How to have the newest entries of one value read from the index of its column.

PostgreSQL takes ``event = 'x' ORDER BY id DESC LIMIT 100`` for a reason to walk the whole table
backwards by its key, dropping what is not `x`, when its statistics call `x` common. If a flood of
other entries came after the last `x`, that walk is as long as the flood (a million newer entries:
seconds; by the index: under a millisecond). ``event >= 'x' AND event <= 'x' ORDER BY event, id
DESC`` asks for the same, but only the index (event, id DESC) gives that order. MariaDB would sort
it, and reads the plain form from the index, as SQLite does.
"""

from __future__ import annotations

from typing import Any

from django.db import connections

_WALKS_THE_KEY = "postgresql"


def holding(entries: Any, column: str, value: Any) -> Any:
    """Return those of `entries` whose `column` holds `value`."""
    lookups = ("gte", "lte") if _walks_the_key(entries) else ("exact",)
    return entries.filter(**{f"{column}__{lookup}": value for lookup in lookups})


def newest_first(entries: Any, column: str | None) -> list[str]:
    """Return the order that has `entries`, which hold one value in `column`, read by its index."""
    return [column, "-pk"] if column and _walks_the_key(entries) else ["-pk"]


def _walks_the_key(entries: Any) -> bool:
    return connections[entries.db].vendor == _WALKS_THE_KEY

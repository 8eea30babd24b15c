"""The package's own format: one JSON object a line, ASCII only, whatever the entry holds."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django_authaudit.entry import Entry

_UUIDS = ("id", "writer")


def to_dict(entry: Entry) -> dict[str, Any]:
    """Return `entry` as JSON data, with `created_at` for the reader."""
    values: dict[str, Any] = {f.name: getattr(entry, f.name) for f in fields(entry)}
    values["created_at"] = _time(entry.created_at)
    for name in (*_UUIDS, "user_id", "actor_id"):
        value = values[name]
        values[name] = value if value is None or isinstance(value, int) else str(value)
    return values


def dumps(entry: Entry) -> str:
    """Return `entry` as one line without a line break."""
    return json.dumps(to_dict(entry), separators=(",", ":"))


def from_dict(values: dict[str, Any]) -> Entry:
    """Return the entry of what `to_dict()` gave; raise ValueError, TypeError or KeyError."""
    names = {f.name for f in fields(Entry)}
    known = {name: value for name, value in values.items() if name in names}
    for name in _UUIDS:
        known[name] = UUID(known[name]) if known[name] is not None else None
    return Entry(**known)


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

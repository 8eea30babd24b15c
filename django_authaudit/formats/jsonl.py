"""The package's own format: one JSON object a line, ASCII only, whatever the entry holds.

``jsonl.schema.json``, beside this file, is its JSON Schema.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from uuid import UUID

from django_authaudit.entry import Entry
from django_authaudit.formats.base import columns, one_line

_UUIDS = ("id", "writer")


def to_dict(entry: Entry) -> dict[str, Any]:
    """Return `entry` as JSON data, with `created_at` for the reader."""
    return columns(entry)


def dumps(entry: Entry) -> str:
    """Return `entry` as one line without a line break."""
    return one_line(to_dict(entry))


def from_dict(values: dict[str, Any]) -> Entry:
    """Return the entry of what `to_dict()` gave; raise ValueError, TypeError or KeyError."""
    names = {f.name for f in fields(Entry)}
    known = {name: value for name, value in values.items() if name in names}
    for name in _UUIDS:
        known[name] = UUID(known[name]) if known[name] is not None else None
    return Entry(**known)

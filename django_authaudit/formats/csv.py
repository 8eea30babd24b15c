"""Comma-separated values (RFC 4180) for spreadsheets, in UTF-8, one line an entry.

A cell that a spreadsheet would compute begins with an apostrophe instead (CWE-1236).
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from django_authaudit.entry import Entry
from django_authaudit.formats.base import columns, plain

SUFFIX = "csv"
MEDIA_TYPE = "text/csv"
COLUMNS = (
    "created_at",
    "event",
    "outcome",
    "user_id",
    "username",
    "email",
    "actor_id",
    "actor_username",
    "ip_address",
    "user_agent",
    "session_ref",
    "request_id",
    "method",
    "path",
    "metadata",
    "id",
    "writer",
    "sequence",
    "salt",
    "leaf",
    "signature",
)
HEADER = ",".join(COLUMNS)

# Their full-width forms count as well, and some programs skip blanks before them.
_FORMULA = re.compile("\\s*[=+@\uff1d\uff0b\uff0d\uff20-]")


def dumps(entry: Entry) -> str:
    """Return `entry` as one line without a line break, in the order of ``COLUMNS``."""
    # Spreadsheets take a time by its offset, not by its Z.
    values = {**columns(entry), "created_at": entry.created_at.isoformat(timespec="milliseconds")}
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow([_cell(values[name]) for name in COLUMNS])
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = plain(value)
    return f"'{text}" if _FORMULA.match(text) else text

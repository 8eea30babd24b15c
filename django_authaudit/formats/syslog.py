"""Syslog messages (RFC 5424): the columns as structured data, the event in English as message.

Framing (RFC 6587) and transport are a sink's.
"""

from __future__ import annotations

import re
import socket
from typing import Any

from django_authaudit.entry import Entry
from django_authaudit.formats import base
from django_authaudit.formats.base import columns, plain

SUFFIX = "log"
MEDIA_TYPE = "text/plain"
AUTHPRIV = 10
"""The facility of security and authorization messages (RFC 5424, section 6.2.1)."""
# The number is the one reserved for examples (RFC 5612): the project has none of its own.
_DATA_ID = "authaudit@32473"
# informational, notice, warning, error, critical
_SEVERITIES = (6, 5, 4, 3, 2)
_NIL = "-"
_LONGEST = {"hostname": 255, "app_name": 48, "msgid": 32}


def dumps(entry: Entry, facility: int = AUTHPRIV) -> str:
    """Return `entry` as one message without a line break, to be sent as UTF-8."""
    header = (
        f"<{facility * 8 + _SEVERITIES[base.severity(entry)]}>1",
        base.iso_time(entry.created_at),
        _printable(socket.gethostname(), _LONGEST["hostname"]),
        _printable(base.service_name(), _LONGEST["app_name"]),
        _NIL,
        _printable(entry.event, _LONGEST["msgid"]),
    )
    return f"{' '.join(header)} {_data(entry)} {_message(entry)}"


def check_options(facility: int = AUTHPRIV) -> None:
    """Raise ValueError for a number that is no facility."""
    if facility not in range(24):
        raise ValueError(f"{facility!r} is no facility of syslog: they are numbered 0 to 23.")


def _data(entry: Entry) -> str:
    values = columns(entry).items()
    pairs = (f'{name}="{_escape(value)}"' for name, value in values if value not in (None, "", {}))
    return f"[{_DATA_ID} {' '.join(pairs)}]"


def _escape(value: Any) -> str:
    return re.sub(r'(["\\\]])', r"\\\1", plain(value))


def _message(entry: Entry) -> str:
    text = plain(base.label(entry))
    # What is not ASCII has to say that it is UTF-8.
    return text if text.isascii() else f"\ufeff{text}"


def _printable(text: str, length: int) -> str:
    """Return `text` as a word of the header: visible ASCII, no blanks."""
    return re.sub(r"[^!-~]", "_", text)[:length] or _NIL

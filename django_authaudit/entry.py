"""One occurrence, immutable, before it is stored."""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID

from django_authaudit.cleaning import clean_metadata, clean_text
from django_authaudit.events import LONGEST_CODE

LIMITS: Mapping[str, int] = {
    "event": LONGEST_CODE,
    "username": 255,
    "email": 254,
    "actor_username": 255,
    "user_agent": 512,
    "session_ref": 64,
    "request_id": 128,
    "method": 16,
    "path": 1024,
}
"""Characters that a text column holds; what is longer is cut and named in ``truncated``."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry as every sink and format gets it: clean, bounded, without secrets."""

    id: UUID
    event: str
    outcome: str
    user_id: Any = None
    username: str = ""
    email: str = ""
    actor_id: Any = None
    actor_username: str = ""
    ip_address: str | None = None
    user_agent: str = ""
    session_ref: str = ""
    request_id: str = ""
    method: str = ""
    path: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    writer: UUID | None = None
    sequence: int = 0
    salt: str = ""
    leaf: str = ""
    signature: str = ""

    @property
    def created_at(self) -> datetime:
        """When it happened, in UTC and whole milliseconds: the time in the id."""
        return time_of(self.id)


def make_entry(**values: Any) -> Entry:
    """Return an entry of `values`, cleaned: nothing in it can fail to be stored."""
    lengths: dict[str, int] = {}
    for name, limit in LIMITS.items():
        if name in values:
            values[name], length = clean_text(values[name], limit)
            if length is not None:
                lengths[name] = length
    metadata = dict(values.pop("metadata", None) or {})
    if lengths:
        known = metadata.get("truncated")
        metadata["truncated"] = {**(known if isinstance(known, dict) else {}), **lengths}
    return Entry(metadata=clean_metadata(metadata), **values)


_lock = threading.Lock()
_last = (0, 0)


def _renew_lock() -> None:
    """Have a forked child wait for no thread of its parent's: there is none to release it."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def new_id() -> UUID:
    """Return a UUIDv7 (RFC 9562, section 5.7) of now.

    Ids of one process that fall into one millisecond rise by the 12-bit counter of method 1
    (section 6.2), so that entries sort as they happened. A clock that steps back is believed:
    ``created_at`` is the time in the id.
    """
    global _last
    with _lock:
        now = time.time_ns() // 1_000_000
        millisecond, counter = _last
        counter = counter + 1 if now == millisecond else secrets.randbits(8)
        if counter > 0xFFF:
            now, counter = now + 1, 0
        _last = (now, counter)
    return _uuid7(now, counter, secrets.randbits(62))


def first_id_at(moment: datetime) -> UUID:
    """Return the smallest id that an entry of `moment` or later can have."""
    return _uuid7(max(0, -(-(moment - EPOCH) // _MILLISECOND)), 0, 0)


def time_of(id: UUID) -> datetime:
    """Return the time in a UUIDv7."""
    return EPOCH + (id.int >> 80) * _MILLISECOND


def _uuid7(milliseconds: int, counter: int, random: int) -> UUID:
    return UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random)

"""Turn any value into one that every database stores and every reader may see.

Values come from attackers: NUL ends a PostgreSQL batch, a lone surrogate cannot be encoded, a
newline forges a log line (CWE-117), a bidi override lies to the reader (CVE-2021-42574).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from django_authaudit.guard import guard

MASK = "********"

# C0 and C1 controls, DEL, line and paragraph separators, zero-width and bidi controls, BOM,
# noncharacters and lone surrogates: nothing a reader could see.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
# Keys whose values are secrets wherever they come from. `session_ref` and the like are ours.
_SECRET_KEY = re.compile(
    r"(^|[_\-.]|(?-i:(?<=[a-z0-9])(?=[A-Z])))"
    r"(pass(word|wd|phrase|code|wort)?s?\d?([_\-]?(confirm(ation)?|repeat|again|hash))?|pwd|secrets?|"
    r"tokens?|t?otp|jwt|pin|cookies?|signature|authorization|credentials?|"
    r"(api|private|secret)[_\-]?key|session_?(id|key)|(user|device)_code|csrf\w*)$",
    re.IGNORECASE,
)
# A reset token of Django, a JWT, any unbroken run of 32 or more that mixes letters and digits, and
# with hyphens (`secrets.token_urlsafe()`, signatures) one that mixes cases inside its words: seven
# of a million random runs of 32 do so less than thrice. A hyphenated UUID or slug is none of them.
_SECRET_SEGMENT = re.compile(
    r"(?<![\w-])(?:[0-9a-z]{1,13}-[0-9a-f]{20,64}|eyJ[\w-]+(?:\.[\w-]+){1,2}|"
    r"(?=[A-Za-z_=]*[0-9])(?=[0-9_=]*[A-Za-z])[A-Za-z0-9_=]{32,}|"
    r"(?=[\w=-]*[a-z])(?=[\w=-]*[A-Z])(?=(?:[\w=-]*?(?:[a-z][A-Z0-9]|[0-9][A-Za-z])){3})"
    r"[\w=-]{32,})(?![\w-])"
)
_LINK_KEYS = ("key", "code", "signed", "hash")
_SHORTEST_LINK_KEY = 16
# RFC 8259 leaves the range open; beyond this, readers that use doubles change the number.
_LARGEST_INTEGER = 2**53 - 1
METADATA_LIMIT = 8_000
"""Most characters of JSON that the metadata of one entry may take."""
_METADATA_STRING = 1_000
_METADATA_ITEMS = 100
_METADATA_DEPTH = 5


def clean_text(value: object, limit: int) -> tuple[str, int | None]:
    """Return `value` made storable in `limit` characters, and its length if it was cut."""
    text = value if isinstance(value, str) else _text(value)
    length = len(text)
    if length <= limit and text.isascii() and text.isprintable():
        return str(text), None
    cleaned = show_unsafe(text[: limit + 1])
    if length > limit or len(cleaned) > limit:
        return cleaned[: limit - 1] + "…", length
    return cleaned, None


def show_unsafe(text: str) -> str:
    """Return `text` with whatever is not to be seen in it, line breaks above all, escaped."""
    return _UNSAFE.sub(_escape, text)


def _text(value: object) -> str:
    # A model's __str__ may query, and fail: it costs its own value, not the entry.
    with guard("reading a value as text"):
        return str(value)
    return f"<{type(value).__name__}>"


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def clean_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return `metadata` as JSON data of bounded size, with secrets masked.

    Keys become ASCII, floats and integers beyond 2^53 become text (RFC 8785 has no other form
    that all readers share); a value too large is dropped and its key named in ``truncated``.
    """
    cleaned: dict[str, Any] = {}
    room = METADATA_LIMIT
    dropped: dict[str, int] = {}
    for key, value in list(metadata.items())[:_METADATA_ITEMS]:
        name = _clean_key(key)
        item = _clean_value(name, value, _METADATA_DEPTH)
        size = len(json.dumps(item))
        if size > room:
            dropped[name] = size
            continue
        room -= size
        cleaned[name] = item
    if dropped:
        known = cleaned.get("truncated")
        cleaned["truncated"] = {**(known if isinstance(known, dict) else {}), **dropped}
    return cleaned


def _clean_key(key: object) -> str:
    return clean_text(key, 64)[0].encode("ascii", "backslashreplace").decode()


def _clean_value(key: str, value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if _SECRET_KEY.search(key):
        return MASK
    if is_safe_integer(value):
        return int(value)
    if isinstance(value, Mapping) and depth:
        items = list(value.items())[:_METADATA_ITEMS]
        return {(k := _clean_key(key)): _clean_value(k, item, depth - 1) for key, item in items}
    if isinstance(value, (list, tuple, set, frozenset)) and depth:
        return [_clean_value(key, item, depth - 1) for item in list(value)[:_METADATA_ITEMS]]
    return clean_text(value, _METADATA_STRING)[0]


def is_safe_integer(value: object) -> bool:
    """Return whether every reader of JSON sees `value` as the number that it is."""
    return isinstance(value, int) and abs(value) <= _LARGEST_INTEGER


def mask_path(path: str, secrets: Mapping[str, Any]) -> str:
    """Return `path` without the `secrets` of its URL pattern and without anything like a token.

    A reset link is a password for as long as it lives (CWE-598).
    """
    for key, value in secrets.items():
        if value and (_SECRET_KEY.search(key) or _is_link_key(key, str(value))):
            path = path.replace(str(value), MASK)
    return _SECRET_SEGMENT.sub(MASK, path)


def _is_link_key(name: str, value: str) -> bool:
    # What is only called a key or a code may be a short name; what confirms an address or resets a
    # password never is one (django-allauth, django-registration).
    return name.endswith(_LINK_KEYS) and len(value) >= _SHORTEST_LINK_KEY

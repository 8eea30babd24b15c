"""The one way to write a value as bytes: RFC 8785, the JSON Canonicalization Scheme.

Entries hold only what the standard library writes as the RFC does: ASCII keys, text, whole numbers
within 2^53, booleans, null and containers of these (`cleaning.py` sees to it).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

_encode = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
).encode


def standard(values: Mapping[str, Any]) -> bytes:
    """Return `values` in canonical form, by the standard library.

    Raises ValueError or TypeError for what is no JSON.
    """
    # Half the time of encoding the whole: nearly every member is a string.
    members = [prefix + _text(values[name]) for name, prefix in _in_order(tuple(values))]
    return f"{{{','.join(members)}}}".encode()


@lru_cache(maxsize=16)
def _in_order(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, encode_basestring(name) + ":") for name in sorted(names)]


def _text(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if value is None:
        return "null"
    return str(value) if kind is int else _encode(value)


def _fastest() -> Callable[[Mapping[str, Any]], bytes]:
    try:
        import orjson
    except ImportError:
        return standard
    option = orjson.OPT_SORT_KEYS

    def fast(values: Mapping[str, Any]) -> bytes:
        return orjson.dumps(values, option=option)

    return fast


canonical = _fastest()
"""Returns values in canonical form, by orjson where it is installed (the extra ``fast``)."""

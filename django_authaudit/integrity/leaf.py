"""The fingerprint of an entry, on which every proof of the log rests.

A leaf is the SHA-256 of the canonical bytes of all columns but `leaf` and `signature`, as
`formats.jsonl` writes them: whoever has a line of an export can compute it. The salt among them
keeps a leaf from being guessed back when the values are gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from django_authaudit.entry import Entry
from django_authaudit.formats import jsonl
from django_authaudit.integrity.canonical import canonical

PROOFS = ("leaf", "signature")
"""What is made of the other columns."""
PURPOSE = b"entry"
"""What a signature of a leaf is for; one of something else never passes for it."""


def content_of(entry: Entry) -> dict[str, Any]:
    """Return what the leaf of `entry` is made of, as JSON data."""
    values = jsonl.to_dict(entry)
    for name in PROOFS:
        del values[name]
    return values


def leaf_of(content: Mapping[str, Any]) -> str:
    """Return the leaf of `content`, in hexadecimal; raise ValueError or TypeError for no JSON."""
    return hashlib.sha256(canonical(content)).hexdigest()

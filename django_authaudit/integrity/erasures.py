"""Erased entries: their values are gone, their leaf stays, and what is left is signed anew.

The signature of an erased entry is its first one, which is of the leaf, and a second one of what
is left with the leaf. So seals hold as before, and nobody without a key can edit the remains or
pass an edit off as an erasure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from uuid import UUID

from django_authaudit.entry import Entry
from django_authaudit.exceptions import TamperedError
from django_authaudit.integrity import seals
from django_authaudit.integrity.canonical import canonical
from django_authaudit.integrity.keys import is_signed, signing_key
from django_authaudit.integrity.leaf import PURPOSE as ENTRY
from django_authaudit.integrity.leaf import content_of, leaf_of
from django_authaudit.integrity.rows import Row
from django_authaudit.integrity.runs import runs_of
from django_authaudit.models import AuditSeal

PURPOSE = b"erased"
"""What the second signature of an erased entry is for."""


def seal_remains(before: Entry, after: Entry) -> Entry:
    """Return `after`, the entry `before` without its values and its salt, signed.

    Raises TamperedError if `before` is not as it was signed: it must not become an erased one.
    What was erased before may be erased further.
    """
    row = Row(content_of(before), before.leaf, before.signature)
    own = without_mark(before.signature)
    whole = remains_hold(row) if is_marked(before.signature) else _is_whole(row)
    if not (whole and is_signed(own, ENTRY, bytes.fromhex(before.leaf))):
        raise TamperedError(f"The entry {before.id} is not as it was signed: verify the log.")
    remains = replace(after, salt="", leaf=before.leaf)
    mark = signing_key().sign(PURPOSE, _digest(content_of(remains), remains.leaf))
    return replace(remains, signature=f"{own}:{mark}")


def _is_whole(row: Row) -> bool:
    return bool(leaf_of(row.content) == row.leaf)


def record(taken: Iterable[tuple[UUID | None, int, str]], *, using: str) -> AuditSeal | None:
    """Add a seal that names the erased entries `taken`: writer, number and leaf of each.

    To be called in the transaction that erases. Returns None if none of them was numbered.
    """
    runs = list(runs_of((str(w), number, leaf) for w, number, leaf in taken if w and leaf))
    if not runs:
        return None
    return seals.append(seals.lock_chain(using), AuditSeal.ERASED, runs, using=using)


def is_marked(signature: str) -> bool:
    """Return whether `signature` says that its entry is an erased one."""
    return signature.count(":") > 1


def without_mark(signature: str) -> str:
    """Return the signature of the leaf alone."""
    return ":".join(signature.split(":")[:2])


def remains_hold(row: Row) -> bool:
    """Return whether what is left of the erased entry `row` is as it was left."""
    mark = row.signature[len(without_mark(row.signature)) + 1 :]
    try:
        return is_signed(mark, PURPOSE, _digest(row.content, row.leaf))
    except (ValueError, TypeError, RecursionError):
        return False


def _digest(content: dict[str, Any], leaf: str) -> bytes:
    return hashlib.sha256(canonical({**content, "leaf": leaf})).digest()

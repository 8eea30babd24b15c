"""What a stored entry's own signature says of it."""

from __future__ import annotations

import enum

from django_authaudit.integrity import erasures
from django_authaudit.integrity.keys import is_signed
from django_authaudit.integrity.leaf import PURPOSE, leaf_of
from django_authaudit.integrity.rows import Row


class Condition(enum.Enum):
    """The state in which an entry is found."""

    INTACT = "intact"
    ERASED = "erased"
    EDITED = "edited"
    FORGED = "forged"


def condition_of(row: Row) -> Condition:
    """Return whether `row` is as it was signed, erased by us, edited, or not ours at all."""
    try:
        marked = erasures.is_marked(row.signature)
        own = erasures.without_mark(row.signature) if marked else row.signature
        signed = is_signed(own, PURPOSE, bytes.fromhex(row.leaf))
    except (ValueError, TypeError, AttributeError):
        signed = False
    if not signed:
        return Condition.FORGED
    if marked:
        return Condition.ERASED if erasures.remains_hold(row) else Condition.EDITED
    return Condition.INTACT if leaf_matches(row) else Condition.EDITED


def leaf_matches(row: Row) -> bool:
    """Return whether the leaf of `row` is that of its content."""
    try:
        return bool(leaf_of(row.content) == row.leaf)
    except (ValueError, TypeError, RecursionError):
        return False

"""What a stored entry's own signature says of it."""

from __future__ import annotations

import enum
from typing import Any

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
    if not _leaf_is_signed(row.leaf, row.signature):
        return Condition.FORGED
    if erasures.is_marked(row.signature):
        return Condition.ERASED if erasures.remains_hold(row) else Condition.EDITED
    return Condition.INTACT if leaf_matches(row) else Condition.EDITED


def leaf_matches(row: Row) -> bool:
    """Return whether the leaf of `row` is that of its content."""
    try:
        return bool(leaf_of(row.content) == row.leaf)
    except (ValueError, TypeError, RecursionError):
        return False


def _leaf_is_signed(leaf: Any, signature: Any) -> bool:
    try:
        message = bytes.fromhex(leaf)
        return is_signed(erasures.without_mark(signature), PURPOSE, message)
    except (ValueError, TypeError, AttributeError):
        return False

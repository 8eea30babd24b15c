"""What the checks say in one voice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeGuard

from django.core.checks import CheckMessage

Check = Callable[..., Iterator[CheckMessage]]


def is_list_of_strings(value: Any) -> TypeGuard[list[str]]:
    """Return whether `value` is a list, a tuple or a set, and holds nothing but strings."""
    return isinstance(value, (list, tuple, set, frozenset)) and all(
        isinstance(item, str) for item in value
    )


def is_whole_number(value: Any) -> TypeGuard[int]:
    """Return whether `value` is an integer; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def did_you_mean(name: str, known: list[str]) -> str:
    """Return a question after what `name` was meant to be, or nothing."""
    near = get_close_matches(name, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else ""

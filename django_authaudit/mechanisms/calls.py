"""Watch what third parties do where no signal tells of it.

What is watched is named by its dotted path. A release in which it stands elsewhere is logged and
counted like any error, once, and nothing else is lost.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pkgutil import resolve_name
from types import TracebackType
from typing import Any

from django_authaudit import wraps
from django_authaudit.guard import guard

_WATCHED = "_authaudit_watched"


class Call:
    """One call of what is watched, when it is over."""

    def __init__(
        self, names: tuple[str, ...], args: tuple[Any, ...], facts: dict[str, Any]
    ) -> None:
        self.facts = {**dict(zip(names, args, strict=False)), **facts}
        """The arguments by name; ``self`` is one of them."""
        self.result: Any = None
        self.error: BaseException | None = None


def watch(path: str, callback: Callable[[Call], None]) -> None:
    """Call ``callback(call)`` after each call of the function at `path`, in a guard.

    The function may be a module's, if it is called through the module, or a class's.
    """
    with guard(f"watching {path}"):
        owner_path, _, name = path.rpartition(".")
        watch_in(resolve_name(owner_path), name, callback)


def watch_in(owner: Any, name: str, callback: Callable[[Call], None]) -> None:
    """Do as `watch()` for the function `name` of `owner`, once."""
    original = getattr(owner, name)
    if _is_watched(owner, name, callback):
        return
    names = tuple(inspect.signature(original).parameters)

    @functools.wraps(original)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        call = Call(names, args, kwargs)
        with _Watched(name, callback, call):
            call.result = original(*args, **kwargs)
        return call.result

    _put(wrapper, owner, name, callback)


def replace(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put ``make(original)`` in the place of the function `name` of a module or class, once.

    For what must be known before the call, or hold during it. What `make` returns calls the
    original, and guards what else it does.
    """
    with guard(f"wrapping {owner.__name__}.{name}()"):
        original = getattr(owner, name)
        if not _is_watched(owner, name, make):
            _put(functools.wraps(original)(make(original)), owner, name, make)


def _is_watched(owner: Any, name: str, by: Any) -> bool:
    """Return whether the function is watched in its place, or inherited and watched `by` this."""
    own = vars(owner).get(name)
    return hasattr(own, _WATCHED) or by in getattr(getattr(owner, name), _WATCHED, ())


def _put(wrapper: Any, owner: Any, name: str, by: Any) -> None:
    wrapper.__dict__[_WATCHED] = (*getattr(wrapper, _WATCHED, ()), by)
    setattr(owner, name, wrapper)


def watch_form(path: str, callback: Callable[[Any], None]) -> None:
    """Call ``callback(form)`` after each validation of a form of the class at `path`."""
    with guard(f"watching {path}"):
        wraps.after_cleaning(resolve_name(path), callback)


def error_codes(form: Any, *fields: str) -> set[str]:
    """Return the codes of the errors that a form has found, in `fields` or anywhere."""
    found = form.errors.as_data()
    return {error.code or "" for name in fields or found for error in found.get(name, ())}


class _Watched:
    def __init__(self, name: str, callback: Callable[[Call], None], call: Call) -> None:
        self.name, self.callback, self.call = name, callback, call

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.call.error = error
        with guard(f"looking at a call of {self.name}()"):
            self.callback(self.call)

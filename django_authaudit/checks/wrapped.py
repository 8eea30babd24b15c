"""Whether what is wrapped of Django is still there."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.core.checks import CheckMessage, Warning
from django.utils.module_loading import import_string

from django_authaudit import wraps
from django_authaudit.checks.values import Check

_STARS: dict[Any, str] = {
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.VAR_KEYWORD: "**",
}


def check_wraps_fit(**kwargs: Any) -> Iterator[CheckMessage]:
    """W010: what has no public hook is wrapped, and Django may change it."""
    for path in misfits():
        yield Warning(
            f"{path} is gone or has another signature in this version of Django: what "
            "django_authaudit learns there may not be recorded.",
            hint="Use a version of django-authaudit that supports this version of Django.",
            id="django_authaudit.W010",
        )


def misfits() -> Iterator[str]:
    """Yield the path of whatever is gone or has other parameters in this Django."""
    for path, expected in wraps.WRAPPED.items():
        if parameters(path) != expected:
            yield path


def parameters(path: str) -> str:
    """Return the names of the parameters of the function at `path`, or nothing for none."""
    try:
        found = inspect.signature(inspect.unwrap(resolve(path))).parameters.values()
    except (ImportError, AttributeError):
        return ""
    return ", ".join(_STARS.get(parameter.kind, "") + parameter.name for parameter in found)


def resolve(path: str) -> Any:
    """Return the function at `path`; raise ImportError or AttributeError for none."""
    owner, _, name = path.rpartition(".")
    return getattr(import_string(owner) if _is_class(owner) else import_module(owner), name)


def _is_class(path: str) -> bool:
    return path.rpartition(".")[2][:1].isupper()


CHECKS: tuple[Check, ...] = (check_wraps_fit,)

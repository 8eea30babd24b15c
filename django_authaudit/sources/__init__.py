"""What is listened to: one module per package or concern, found by being here."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django_authaudit.conf import conf
from django_authaudit.sources.base import Source


@cache
def discover() -> dict[str, Source]:
    """Return every source by the name of its module, installed or not."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name != "base")
    return {name: import_module(f"{__name__}.{name}").Source() for name in names}


def selected() -> dict[str, Source]:
    """Return the sources to connect: the available ones among those that the settings name."""
    names: Any = conf.AUTHAUDIT_SOURCES
    # What is no list of names counts as None, as a system check says.
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(
        isinstance(name, str) for name in names
    ):
        names = None
    return {
        name: source
        for name, source in discover().items()
        if source.available and (names is None or name in names)
    }


_connected: set[str] = set()


def connect_all() -> None:
    """Connect the selected sources; a second call adds nothing."""
    for name in selected():
        _connect(name)


def _connect(name: str) -> None:
    discover()[name].connect()
    _connected.add(name)


def register(name: str, source: type[Source]) -> None:
    """Add a source that is not part of this package; for an app's ``ready()``.

    It is connected at once if it is available and the settings do not leave it out. Raises
    ValueError if another source has that name.
    """
    known = discover().setdefault(name, source())
    if type(known) is not source:
        raise ValueError(f"{name!r} is already the name of the source {type(known).__module__}")
    if name in selected():
        _connect(name)


def why_not_connected(name: str) -> str:
    """Return why the source `name` listens to nothing, or nothing if it does listen."""
    if name in _connected:
        return ""
    source = discover()[name]
    if not source.available:
        return f"{source.requires} is not in INSTALLED_APPS"
    return "AUTHAUDIT_SOURCES does not name it"

"""Entries as lines: pure functions of an entry, one module per format, found by being here.

A module has ``dumps(entry)``, which returns one line without a line break, whatever the entry
holds, and may have ``HEADER``, ``SUFFIX`` and ``MEDIA_TYPE``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

from django_authaudit.entry import Entry


@dataclass(frozen=True)
class Format:
    """A way to write entries, one a line."""

    name: str
    dumps: Callable[[Entry], str]
    header: str = ""
    """The first line of a file; empty: none."""
    suffix: str = "jsonl"
    media_type: str = "application/x-ndjson"


@cache
def discover() -> dict[str, ModuleType]:
    """Return the module of every format by its name."""
    names = sorted(module.name for module in iter_modules(__path__) if module.name != "base")
    return {name: import_module(f"{__name__}.{name}") for name in names}


def make_format(name: str, **options: Any) -> Format:
    """Return the format called `name`; `options` are further arguments of its ``dumps()``.

    Raises ValueError for an unknown name, and for options that the format does not take.
    """
    if name not in discover():
        raise ValueError(f"{name!r} is no format. There are {', '.join(discover())}.")
    module = discover()[name]
    known = [*inspect.signature(module.dumps).parameters][1:]
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(f"The format {name!r} has no option {', '.join(map(repr, unknown))}.")
    if hasattr(module, "check_options"):
        module.check_options(**options)
    return Format(
        name=name,
        dumps=partial(module.dumps, **options) if options else module.dumps,
        header=getattr(module, "HEADER", Format.header),
        suffix=getattr(module, "SUFFIX", Format.suffix),
        media_type=getattr(module, "MEDIA_TYPE", Format.media_type),
    )

"""Spool files of other databases, left behind when HOST, NAME or AUTHAUDIT_DATABASE changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django_authaudit import spool
from django_authaudit.exceptions import SpoolError

_NAME = re.compile(r"([0-9a-f]{16})(?:-[0-9a-f]{16})?\.(?:jsonl|claimed)")
"""The identity of a database, the random part of a claim, and what waits to be replayed."""


@dataclass(frozen=True)
class Stray:
    """A file that nobody will replay by himself: another database's, of this very project."""

    path: Path
    entries: int

    def __str__(self) -> str:
        return f"{self.path} (entries: {self.entries})"


def find(alias: str) -> list[Stray]:
    """Return the strays beside the spool of `alias`; raises nothing."""
    own = spool.identity(alias)
    return [
        Stray(path, entries)
        for path in _files(spool.folder(alias))
        if (database := _database_of(path)) not in (None, own)
        # The folder of another project has a name that this project would not give it.
        and path.parent == spool.folder_of(str(database))
        and (entries := _lines(path))
    ]


def adopt(path: Path, alias: str) -> int:
    """Move the entries of the file `path` into the spool of `alias`; return how many they are.

    Raises SpoolError for what is no file of a spool, or in use, and OSError. Killed in between,
    it has copied them: replay stores each once.
    """
    database = _database_of(path)
    if database is None or not path.is_file():
        raise SpoolError(f"{path} is no file of a spool.")
    claimed = spool.take(path, database)
    if claimed is None:
        raise SpoolError(f"{path} is in use by another process, or belongs to another user.")
    with claimed as file:
        if file.entries:
            spool.append(alias, file.entries)
        file.finish()
        return len(file.entries)


def _files(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        folders = [folder] if spool.is_chosen() else sorted(folder.parent.iterdir())
        for found in folders:
            with suppress(OSError):
                yield from sorted(found.iterdir())


def _database_of(path: Path) -> str | None:
    match = _NAME.fullmatch(path.name)
    return match[1] if match else None


def _lines(path: Path) -> int:
    with suppress(OSError), path.open("rb") as lines:
        return sum(1 for line in lines if line.strip())
    return 0

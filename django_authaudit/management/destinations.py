"""Where a command writes what may be much: a file that is whole or not there, or the pipe."""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import OutputWrapper

from django_authaudit.exports import Destination


@contextmanager
def file_or_pipe(
    path: Path | None, out: OutputWrapper, *, compress: bool
) -> Iterator[Destination]:
    """Give what to write bytes to: the new file `path`, or without one what `out` wraps.

    Raises OSError, FileExistsError for a file that is there already.
    """
    with new_file(path) if path is not None else _pipe(out) as raw:
        if not compress:
            yield raw
            return
        # Without a name and a time: the same entries are the same bytes.
        with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
            yield file


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Give a file that gets its name once it is written and synced; else it is removed.

    Only its owner may read it: what it holds is about people.
    """
    if path.exists():
        raise FileExistsError(f"{path} is there already: remove it, or choose another name.")
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    part = Path(name)
    try:
        with open(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _pipe(out: OutputWrapper) -> Iterator[Any]:
    text: Any = out._out
    binary = getattr(text, "buffer", None)
    if binary is None:
        yield _Decoded(text)
        return
    yield binary
    binary.flush()


class _Decoded:
    """Takes bytes for a stream of text that has none below it, as tests give to a command."""

    def __init__(self, text: Any) -> None:
        self._text = text

    def write(self, data: bytes, /) -> None:
        self._text.write(data.decode())


def nobody_reads() -> None:
    """End what goes to a closed pipe: at the end Python would flush it, and complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""A file of lines, which several processes append to and logrotate may take away at any time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django_authaudit.entry import Entry
from django_authaudit.formats import make_format
from django_authaudit.sinks.base import Sink

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


class FileSink(Sink):
    """Appends a line for each entry to the file at `path`.

    `format` is one of the formats by name, `format_options` are its own. `mode` holds for a file
    that is made. `sync` has each flush wait for the disk; without it a crash of the machine, not
    of the process, can cost the last seconds.
    """

    def __init__(
        self,
        path: str | Path,
        format: str = "jsonl",
        format_options: dict[str, Any] | None = None,
        mode: int = 0o600,
        sync: bool = False,
    ) -> None:
        self.path = Path(path)
        self.format = make_format(format, **(format_options or {}))
        self.mode = mode
        self.sync = sync

    def emit(self, entries: Sequence[Entry]) -> None:
        """Append `entries`, all of them or none; raise OSError."""
        lines = "".join(self.format.dumps(entry) + "\n" for entry in entries)
        with self._locked() as descriptor:
            size = os.fstat(descriptor).st_size
            try:
                _write_all(descriptor, (self._before(descriptor, size) + lines).encode())
                if self.sync:
                    os.fdatasync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise

    def _before(self, descriptor: int, size: int) -> str:
        """Return what has to stand between what the file holds and the next line."""
        if not size:
            return f"{self.format.header}\n" if self.format.header else ""
        # A machine that crashed may have left half a line, which is to cost no other.
        return "" if os.pread(descriptor, 1, size - 1) == b"\n" else "\n"

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file that has the name now, and keep others from appending meanwhile."""
        while True:
            descriptor = os.open(self.path, _FLAGS, self.mode)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Renamed by logrotate while the lock was waited for? Then another has the name.
                if self._has_the_name(descriptor):
                    yield descriptor
                    return
            finally:
                os.close(descriptor)

    def _has_the_name(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(descriptor))
        except FileNotFoundError:
            return False


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

"""A local file that keeps entries while the database cannot, and gives them back exactly once.

A folder of files of JSON lines. Writers append under a lock and sync; a reader claims a file by
renaming it under the same lock. Each line carries the identity of its database, so that nobody's
entries are replayed into another's log.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.db import connections

from django_authaudit.conf import conf
from django_authaudit.entry import Entry
from django_authaudit.exceptions import SpoolError
from django_authaudit.formats import jsonl

_LARGEST_FILE = 64 * 1024
"""Bytes after which a new file is begun, so that replaying one never takes long."""
_PATIENCE = 0.25
"""Seconds to wait for a file that another process holds: what a locked table may cost too."""
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_NAMING = (
    "service",
    "servicefile",
    "read_default_file",
    "read_default_group",
    "host",
    "hostaddr",
    "port",
    "unix_socket",
    "dbname",
    "database",
    "db",
)
"""Options that name a server or a database, where Django's own settings need not."""
OPEN, CLAIMED, SET_ASIDE = ".jsonl", ".claimed", ".rejected"


def identity(alias: str) -> str:
    """Return what tells the database `alias` from others: 16 hexadecimal digits."""
    connection = connections[alias]
    configured = connection.settings_dict
    name = str(configured["NAME"])
    if connection.vendor == "sqlite":
        in_memory = ":memory:" in name or "mode=memory" in name
        # A database in memory is another one in each process.
        name = f"{name} {os.getpid()}" if in_memory else os.path.abspath(name)
    options = configured["OPTIONS"]
    parts = [connection.vendor, configured["HOST"], str(configured["PORT"]), name]
    parts += [f"{key}={options[key]}" for key in _NAMING if key in options]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def folder(alias: str) -> Path:
    """Return the folder of the spool for the database `alias`; it need not exist yet."""
    return folder_of(identity(alias))


def folder_of(database: str) -> Path:
    """Return the folder of the spool for the database of that identity."""
    if is_chosen():
        return Path(str(conf.AUTHAUDIT_SPOOL_DIR))
    key = f"{os.environ.get('DJANGO_SETTINGS_MODULE', '')}\0{database}"
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    # The XDG Base Directory Specification has paths ignored that are not absolute.
    for state in (os.environ.get("XDG_STATE_HOME", ""), os.path.expanduser("~/.local/state")):
        if os.path.isabs(state):
            return Path(state) / "django_authaudit" / name
    # A user without a home: `~` would be a folder of that name. A check warns of this one.
    return Path(tempfile.gettempdir()).absolute() / f"django_authaudit-{os.geteuid()}-{name}"


def is_chosen() -> bool:
    """Return whether a setting names the folder; what is no path counts as unset."""
    configured: Any = conf.AUTHAUDIT_SPOOL_DIR
    return bool(configured) and isinstance(configured, (str, Path))


def prepare(path: Path) -> None:
    """Make the folder `path`, private; raise SpoolError if it is another's or open to others."""
    if not path.is_dir():
        _make(path)
    found = path.stat()
    if found.st_uid != os.geteuid():
        raise SpoolError(f"{path} belongs to another user: whoever owns it can forge entries.")
    if stat.S_IMODE(found.st_mode) & 0o022:
        raise SpoolError(f"{path} can be written by others: run chmod 700 on it.")


def _make(path: Path) -> None:
    """Make the folder, and have it outlast a crash of the machine with what it will hold."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in missing:
        # Who may make a folder somewhere need not be allowed to list it.
        with suppress(PermissionError):
            _sync_folder(made.parent)


def append(alias: str, entries: Sequence[Entry]) -> None:
    """Store `entries` in the spool of `alias` and sync them; raise OSError if it cannot."""
    path = folder(alias)
    prepare(path)
    database = identity(alias)
    lines = "".join(_line(entry, database) + "\n" for entry in entries).encode("ascii")
    with _open_for_append(path / f"{database}{OPEN}") as (descriptor, size):
        try:
            _write_all(descriptor, _line_start(descriptor, size) + lines)
            os.fdatasync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise


def count(alias: str, *suffixes: str) -> int:
    """Return how many files wait to be replayed into `alias`, or how many have `suffixes`."""
    return sum(1 for _ in files(alias, suffixes or (OPEN, CLAIMED)))


def waiting(alias: str) -> bool:
    """Return whether something is there to be replayed into `alias`; never raises."""
    return next(files(alias), None) is not None


def claim(alias: str) -> SpoolFile | None:
    """Take one file of the spool; nobody else gets it until it is closed. None: none is free.

    Raises SpoolError for a folder in which others could have forged entries.
    """
    for path in files(alias):
        if (claimed := take(path, identity(alias))) is not None:
            return claimed
    return None


def take(path: Path, database: str) -> SpoolFile | None:
    """Take the file `path` of the database of that identity, as `claim()` does."""
    prepare(path.parent)
    descriptor = _lock_if_free(path)
    if descriptor is None:
        return None
    if path.suffix == OPEN:
        path = _retire(path)
    return SpoolFile(path, descriptor, database)


def _line(entry: Entry, database: str) -> str:
    return json.dumps({"database": database, **jsonl.to_dict(entry)}, separators=(",", ":"))


class SpoolFile:
    """A claimed file: entries to replay, and lines that are none."""

    def __init__(self, path: Path, descriptor: int, database: str) -> None:
        self.path = path
        self.entries: list[Entry] = []
        self.rejected: list[str] = []
        self._descriptor = descriptor
        self._database = database
        with path.open(encoding="utf-8", errors="backslashreplace") as lines:
            for line in filter(str.strip, lines):
                self._read(line)

    def __enter__(self) -> SpoolFile:
        return self

    def __exit__(self, *details: object) -> None:
        _release(self._descriptor)

    def _read(self, line: str) -> None:
        try:
            values = json.loads(line)
            if values["database"] != self._database:
                raise ValueError("another database's")
            self.entries.append(jsonl.from_dict(values))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self.rejected.append(line.rstrip("\n"))

    def finish(self, rejected: Sequence[Entry] = ()) -> None:
        """Remove the file; what could not be replayed is set aside beside it first."""
        lines = [*self.rejected, *(_line(entry, self._database) for entry in rejected)]
        if lines:
            aside = self.path.with_suffix(SET_ASIDE)
            with aside.open("a", encoding="utf-8") as file:
                file.write("\n".join(lines) + "\n")
                file.flush()
                os.fsync(file.fileno())
            aside.chmod(0o600)
        self.path.unlink()


def files(alias: str, suffixes: tuple[str, ...] = (OPEN, CLAIMED)) -> Iterator[Path]:
    """Yield the files that hold entries for `alias`, the oldest claims first."""
    path = folder(alias)
    database = identity(alias)
    with suppress(OSError):
        names = [entry.name for entry in os.scandir(path) if entry.name.startswith(database)]
        for name in sorted(names, key=lambda name: (name.endswith(OPEN), name)):
            if name.endswith(suffixes):
                yield path / name


@contextmanager
def _open_for_append(path: Path) -> Iterator[tuple[int, int]]:
    descriptor = _lock(path)
    try:
        size = os.fstat(descriptor).st_size
        yield descriptor, size
        if size == 0:
            _sync_folder(path.parent)
        elif size > _LARGEST_FILE:
            _retire(path)
    finally:
        _release(descriptor)


def _retire(path: Path) -> Path:
    """Rename the open file, whose lock is held, so that the next entry begins a new one."""
    return path.rename(_name_of_a_claim(path))


def _name_of_a_claim(path: Path) -> Path:
    return path.with_name(f"{path.stem}-{os.urandom(8).hex()}{CLAIMED}")


def _lock(path: Path) -> int:
    """Open the file, made if need be, and lock it; one of its own if another holds it."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        if _is_locked_now(descriptor) and _is_still(path, descriptor):
            return descriptor
        _release(descriptor)
        time.sleep(0.005)
    # It is stopped, hangs in its disk, or replays the file: no login waits for that.
    return _lock(_name_of_a_claim(path))


def _lock_if_free(path: Path) -> int | None:
    """Open the file and lock it, unless another has it or had it meanwhile."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return None
    ours = os.fstat(descriptor).st_uid == os.geteuid()
    if ours and _is_locked_now(descriptor) and _is_still(path, descriptor):
        return descriptor
    _release(descriptor)
    return None


def _is_locked_now(descriptor: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _release(descriptor: int) -> None:
    # Closing alone would not do: a child that was forked meanwhile holds the same lock.
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    return False


def _line_start(descriptor: int, size: int) -> bytes:
    """Return what ends the line that a killed process left unfinished."""
    return b"\n" if size and os.pread(descriptor, 1, size - 1) != b"\n" else b""


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

"""A folder of what has left the log: compressed JSON lines, each file with a manifest.

A file counts from the moment that its manifest is there. Its entries are deleted from the table
after that, and the manifest has another name until they are. So a run that was killed leaves
either a file without a manifest, which is thrown away, or one whose entries the next run deletes.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import json
import os
import secrets
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django_authaudit.entry import Entry
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.formats import jsonl
from django_authaudit.formats.base import iso_time

FORMAT = "django_authaudit archive 1"
DONE, PENDING, PARTIAL = ".json", ".pending", ".partial"
"""Ends of the names of manifests: entries deleted, not yet deleted, file not yet trusted."""
_DATA, _NEW = ".jsonl.gz", ".new"
_BLOCK = 1024 * 1024


class ArchiveError(AuthAuditError):
    """Raised for an archive that is not as it was written, or in use by another process."""


@dataclass(frozen=True)
class Manifest:
    """What one file of an archive holds."""

    format: str
    file: str
    database: str
    """Which database it comes from: `spool.identity()`."""
    created_at: str
    count: int
    first: str
    last: str
    """Ids of the oldest and the newest entry, in which their times are."""
    ranges: dict[str, list[list[int]]]
    """By writer, the first and last number of each run without a hole."""
    sha256: str
    """Of the file, as ``sha256sum`` prints it."""
    content_sha256: str
    """Of the lines in it."""


class Archive:
    """A folder that this process alone writes to, for the entries of one database."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database

    def write(self, entries: Iterable[Entry]) -> Manifest | None:
        """Write `entries` to a new file, and return its manifest; None: there are none.

        Returns when both are on the disk and were read back; the entries may be deleted then.
        Raises OSError, and ArchiveError for a file that reads other than it was written.
        """
        stem = f"{datetime.now(timezone.utc):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}"
        data = self.folder / (stem + _DATA)
        # From here on, what a killed run leaves is known to be garbage.
        with _synced(self.folder / (stem + PARTIAL), os.O_EXCL):
            _sync_folder(self.folder)
        manifest = self._write(data, entries)
        if not manifest.count:
            self._drop_partial(stem)
            return None
        self._commit(stem + PARTIAL, stem + PENDING, manifest)
        return manifest

    def replace(self, manifest: Manifest, entries: Iterable[Entry]) -> Manifest:
        """Write `entries` in the place of those of a file; return the manifest that counts now.

        Until then the old one counts. Raises as `write()` does.
        """
        stem = _stem(manifest.file)
        data = self.folder / f"{stem}.{secrets.token_hex(4)}{_DATA}"
        written = self._write(data, entries)
        pending = (self.folder / (stem + PENDING)).exists()
        self._commit(stem + _NEW, stem + (PENDING if pending else DONE), written)
        (self.folder / manifest.file).unlink()
        return written

    def manifests(self, *ends: str) -> Iterator[Manifest]:
        """Yield the manifests of this database that have one of the `ends`, by default all."""
        for path in sorted(self.folder.iterdir()):
            if path.name.endswith(ends or (PENDING, DONE)):
                manifest = read_manifest(path)
                if manifest.database == self.database:
                    yield manifest

    def finish(self, manifest: Manifest) -> None:
        """Note that the entries of a file are deleted."""
        stem = _stem(manifest.file)
        os.rename(self.folder / (stem + PENDING), self.folder / (stem + DONE))
        _sync_folder(self.folder)

    def ids(self, manifest: Manifest) -> list[UUID]:
        """Return the ids of a file's entries; raise ArchiveError if it is not as it was."""
        return [UUID(values["id"]) for values in self._values(manifest)]

    def entries(self, manifest: Manifest) -> Iterator[Entry]:
        """Yield a file's entries; raise ArchiveError if it is not as it was."""
        return map(jsonl.from_dict, self._values(manifest))

    def _values(self, manifest: Manifest) -> Iterator[dict[str, Any]]:
        data = self.folder / manifest.file
        _check(data, manifest)
        with gzip.open(data) as lines:
            yield from map(json.loads, lines)

    def clean(self) -> None:
        """Remove what a killed run has left of files that never counted, or count no more."""
        for path in self.folder.glob(f"*{PARTIAL}"):
            self._drop_partial(path.name.removesuffix(PARTIAL))
        for path in self.folder.glob(f"*{_NEW}"):
            path.unlink()
        files = {_stem(manifest.file): manifest.file for manifest in self.manifests()}
        for path in self.folder.glob(f"*{_DATA}"):
            if files.get(_stem(path.name), path.name) != path.name:
                path.unlink()

    def _write(self, data: Path, entries: Iterable[Entry]) -> Manifest:
        """Write `entries` to the new file `data`, read it back, and return its manifest."""
        facts = _Facts()
        with (
            _synced(data, os.O_EXCL) as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as lines,
        ):
            for entry in entries:
                lines.write(facts.add(entry))
        manifest = facts.manifest(data.name, self.database, _digest(data))
        _check(data, manifest)
        return manifest

    def _drop_partial(self, stem: str) -> None:
        (self.folder / (stem + _DATA)).unlink(missing_ok=True)
        (self.folder / (stem + PARTIAL)).unlink()

    def _commit(self, draft: str, name: str, manifest: Manifest) -> None:
        """Have a file count: write its manifest as `draft`, and give that its `name`."""
        with _synced(self.folder / draft, os.O_TRUNC) as file:
            file.write(json.dumps(asdict(manifest), indent=1).encode() + b"\n")
        os.rename(self.folder / draft, self.folder / name)
        _sync_folder(self.folder)


def _stem(file: str) -> str:
    """Return what the names of a file, of its successors and of its manifest begin with."""
    return file.partition(".")[0]


class _Facts:
    """What is learnt of entries while they are written."""

    def __init__(self) -> None:
        self.content = hashlib.sha256()
        self.ids: list[UUID] = []
        self.ranges: dict[str, list[list[int]]] = defaultdict(list)

    def add(self, entry: Entry) -> bytes:
        line = f"{jsonl.dumps(entry)}\n".encode()
        self.content.update(line)
        self.ids.append(entry.id)
        if entry.writer is not None:
            ranges = self.ranges[str(entry.writer)]
            if ranges and ranges[-1][1] + 1 == entry.sequence:
                ranges[-1][1] = entry.sequence
            else:
                ranges.append([entry.sequence, entry.sequence])
        return line

    def manifest(self, file: str, database: str, sha256: str) -> Manifest:
        return Manifest(
            format=FORMAT,
            file=file,
            database=database,
            created_at=iso_time(datetime.now(timezone.utc)),
            count=len(self.ids),
            first=str(min(self.ids, default="")),
            last=str(max(self.ids, default="")),
            ranges=dict(self.ranges),
            sha256=sha256,
            content_sha256=self.content.hexdigest(),
        )


@contextmanager
def open_archive(folder: Path, database: str) -> Iterator[Archive]:
    """Give the archive in `folder`, which is made if need be, to this process alone.

    Raises OSError for a folder that cannot be made or written, and ArchiveError for one that
    another process archives to.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        archive = Archive(folder, database)
        archive.clean()
        yield archive
    except BlockingIOError:
        raise ArchiveError(f"Another process archives to {folder}: wait for its end.") from None
    finally:
        os.close(lock)


def read_manifest(path: Path) -> Manifest:
    """Return the manifest in the file `path`; raise ArchiveError for what is none."""
    try:
        values = json.loads(path.read_bytes())
        manifest = Manifest(**values)
    except (ValueError, TypeError) as error:
        raise ArchiveError(f"{path} is no manifest of an archive: {error}") from error
    if manifest.format != FORMAT:
        raise ArchiveError(f"{path} has the format {manifest.format!r}, not {FORMAT!r}.")
    return manifest


def _check(data: Path, manifest: Manifest) -> None:
    """Raise ArchiveError unless the file `data` is what `manifest` says, to the last byte."""
    content, count = hashlib.sha256(), 0
    try:
        if _digest(data) == manifest.sha256:
            with gzip.open(data) as lines:
                for line in lines:
                    content.update(line)
                    count += 1
    except (OSError, EOFError, zlib.error) as error:
        raise ArchiveError(f"{data} cannot be read back: {error}") from error
    if (count, content.hexdigest()) != (manifest.count, manifest.content_sha256):
        raise ArchiveError(f"{data} is not as it was written: nothing of it is deleted.")


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _synced(path: Path, how: int) -> Iterator[BinaryIO]:
    """Give a file that its owner alone can read, to be written, and sync it at the end."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        # What is read back shall come from the disk.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

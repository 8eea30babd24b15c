"""A copy of the seals outside the database: a file of lines, to which lines are only added.

With it, verification finds what leaves no trace in the database: an older backup that was
restored, or a log that was emptied with all its seals.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from django_authaudit.exceptions import AnchorError
from django_authaudit.integrity import seals
from django_authaudit.models import AuditSeal

_TAIL = 64 * 1024
"""Bytes at the end of the file among which its last seal is looked for: a hundred lines."""
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC


def extend(path: Path, using: str) -> int:
    """Append to `path` each seal that it lacks, sync it, and return how many it were.

    Raises OSError, and AnchorError if the newest seal in the file is not one of the log: then the
    log is an older one, or another, and must not be anchored as if it were the same.
    """
    descriptor = os.open(path, _FLAGS, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        tail = _tail(file.fileno())
        newest = _newest(tail)
        if newest is not None:
            _expect(newest, using)
        rest = AuditSeal.objects.using(using).filter(number__gt=newest.number if newest else 0)
        lines = [line_of(seal) + "\n" for seal in rest.order_by("number").iterator()]
        # What a killed process left unfinished becomes a line of its own.
        start = "\n" if tail and not tail.endswith(b"\n") else ""
        file.write((start + "".join(lines)).encode("ascii"))
        os.fsync(file.fileno())
    return len(lines)


def read(path: Path) -> Iterator[AuditSeal]:
    """Yield the seals in `path` in its order; raise OSError, and AnchorError for a wrong line."""
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            seal = _parse(line)
            if seal is not None:
                yield seal
            elif line.endswith(b"\n") and b"}" in line:
                raise AnchorError(f"Line {number} of {path} is no seal.")


def line_of(seal: AuditSeal) -> str:
    """Return `seal` as a line; raise AnchorError for one that was edited."""
    try:
        return seals.to_line(seal)
    except ValueError as error:
        raise AnchorError(f"Seal {seal.number} is not as it was made: verify the log.") from error


def _expect(newest: AuditSeal, using: str) -> None:
    found = AuditSeal.objects.using(using).filter(number=newest.number).first()
    if found is None or seals.hash_of(found) != seals.hash_of(newest):
        raise AnchorError(
            f"The newest seal of the file, number {newest.number}, is none of the log: an older "
            "backup was restored, or it is the file of another log. Verify the log with it."
        )


def _tail(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, _TAIL, max(0, size - _TAIL))


def _newest(tail: bytes) -> AuditSeal | None:
    for line in reversed(tail.split(b"\n")):
        seal = _parse(line)
        if seal is not None:
            return seal
    return None


def _parse(line: bytes) -> AuditSeal | None:
    with suppress(ValueError, TypeError, KeyError, AttributeError):
        return seals.from_dict(json.loads(line))
    return None

"""Whether the spool can be used, should it ever be needed: looked at, never made."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from django_authaudit import spool, strays
from django_authaudit.checks.values import Check
from django_authaudit.conf import conf
from django_authaudit.sinks.database import write_alias

TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - to warn of them
"""Folders that are emptied at a restart or by age, and that anybody writes to."""

_SET_IT = (
    "Set AUTHAUDIT_SPOOL_DIR to a folder of its own on a lasting disk, owned by the user that "
    "serves requests, with mode 0700; run this check as that user."
)


def check_folder_is_a_path(**kwargs: Any) -> Iterator[CheckMessage]:
    """E009: a folder is named by a path."""
    if not _is_path(conf.AUTHAUDIT_SPOOL_DIR):
        yield Error(
            f"AUTHAUDIT_SPOOL_DIR is {conf.AUTHAUDIT_SPOOL_DIR!r}, not the path of a folder.",
            hint="Set it to a string or a pathlib.Path, or to None for a folder below the "
            "user's home.",
            id="django_authaudit.E009",
        )


def check_folder_is_absolute(**kwargs: Any) -> Iterator[CheckMessage]:
    """W007: cron and the server stand in different folders."""
    value = conf.AUTHAUDIT_SPOOL_DIR
    if value and _is_path(value) and not Path(value).is_absolute():
        yield Warning(
            f"AUTHAUDIT_SPOOL_DIR is {str(value)!r}, which is another folder for every process "
            "that starts elsewhere: what one spools, another does not replay.",
            hint="Write the whole path, as in BASE_DIR / 'spool'.",
            id="django_authaudit.W007",
        )


def check_folder_can_be_a_folder(**kwargs: Any) -> Iterator[CheckMessage]:
    """E012: nothing can be made below a file."""
    for folder in _folder():
        found = _nearest_existing(folder)
        if not found.is_dir():
            yield Error(
                f"The spool's folder cannot be {str(folder)!r}: {str(found)!r} is a file.",
                hint=_SET_IT,
                id="django_authaudit.E012",
            )


def check_folder_is_writable(**kwargs: Any) -> Iterator[CheckMessage]:
    """W008: only advice, for the user of this check may not be the one that serves requests."""
    for folder in _folder():
        found = _nearest_existing(folder)
        if found.is_dir() and not _can_write(found):
            yield Warning(
                f"The spool's folder {str(folder)!r} cannot be written by this user: what the "
                "database refuses would be lost but for the log.",
                hint=_SET_IT,
                id="django_authaudit.W008",
            )


def check_folder_is_private(**kwargs: Any) -> Iterator[CheckMessage]:
    """E013: who can write there can forge entries; the spool refuses to work."""
    for found in _existing():
        if stat.S_IMODE(found.stat().st_mode) & 0o022:
            yield Error(
                f"The spool's folder {str(found)!r} can be written by other users, so it is not "
                "used.",
                hint=f"Run chmod 700 {found}",
                id="django_authaudit.E013",
            )


def check_folder_is_own(**kwargs: Any) -> Iterator[CheckMessage]:
    """W009: the spool refuses another's folder; advice only, for the same reason as W008."""
    for found in _existing():
        if found.stat().st_uid != os.geteuid():
            yield Warning(
                f"The spool's folder {str(found)!r} belongs to another user than the one that "
                "runs this check, who cannot use it.",
                hint=_SET_IT,
                id="django_authaudit.W009",
            )


def check_folder_lasts(**kwargs: Any) -> Iterator[CheckMessage]:
    """W006: a spool is there for the day on which a machine is in trouble."""
    temporary = [*TEMPORARY, *filter(None, [os.environ.get("TMPDIR")])]
    for folder in _folder():
        if any(_is_below(folder, name) for name in temporary):
            yield Warning(
                f"The spool's folder {str(folder)!r} is a temporary one: entries that wait there "
                "for the database do not outlast a restart.",
                hint=_SET_IT,
                id="django_authaudit.W006",
            )


def check_there_are_no_strays(**kwargs: Any) -> Iterator[CheckMessage]:
    """W043: nobody replays what was spooled for a database that had another name then."""
    for _ in _folder():
        if found := strays.find(write_alias()):
            yield Warning(
                "Entries wait in the spool for another database than the log's, whose HOST, NAME "
                f"or alias has changed since: {', '.join(map(str, found))}.",
                hint="If they belong into this log, run python manage.py replay_audit_log --adopt "
                "with these files; else remove them.",
                id="django_authaudit.W043",
            )


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, Path, type(None)))


def _folder() -> Iterator[Path]:
    """Yield the folder, unless a setting that decides about it is wrong, as another check says."""
    decided_by_alias = isinstance(conf.AUTHAUDIT_DATABASE, (str, type(None)))
    if decided_by_alias and _is_path(conf.AUTHAUDIT_SPOOL_DIR):
        yield spool.folder(write_alias())


def _existing() -> Iterator[Path]:
    for folder in _folder():
        if os.path.isdir(folder):
            yield folder


def _nearest_existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.absolute().parents) if os.path.exists(path))


def _is_below(folder: Path, other: str) -> bool:
    return Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(other))


def _can_write(folder: Path) -> bool:
    by_effective_user = os.access in os.supports_effective_ids
    return os.access(folder, os.W_OK | os.X_OK, effective_ids=by_effective_user)


CHECKS: tuple[Check, ...] = (
    check_folder_is_a_path,
    check_folder_is_absolute,
    check_folder_can_be_a_folder,
    check_folder_is_writable,
    check_folder_is_private,
    check_folder_is_own,
    check_folder_lasts,
    check_there_are_no_strays,
)

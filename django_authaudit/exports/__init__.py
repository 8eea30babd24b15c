"""Entries out of the table, as many as there are, in constant memory."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import Any, Protocol

from django.contrib.auth import get_user_model

from django_authaudit import events, recorder
from django_authaudit.entry import Entry
from django_authaudit.exports.selection import Selection
from django_authaudit.formats import Format

__all__ = ["Selection", "head", "record", "write"]


class Destination(Protocol):
    """What takes bytes."""

    def write(self, data: bytes, /) -> object:
        """Take `data`."""


def head(format: Format) -> bytes:
    """Return what a file in `format` begins with: a line, or nothing."""
    return f"{format.header}\n".encode() if format.header else b""


def write(
    file: Destination, entries: Iterable[Entry], format: Format
) -> Generator[int, None, None]:
    """Write `entries` to `file`, one a line, in UTF-8; yield how many it has, after each."""
    file.write(head(format))
    for count, entry in enumerate(entries, start=1):
        file.write(f"{format.dumps(entry)}\n".encode())
        yield count


def record(selection: Selection, form: str, count: int, *, whole: bool) -> None:
    """Record that `count` entries left as `form`; not `whole`: the export was broken off."""
    metadata: Mapping[str, Any] = {
        "format": form,
        "count": count,
        "filters": selection.facts(),
        **({} if whole else {"interrupted": True}),
    }
    person = selection.person
    facts: dict[str, Any] = {}
    if person is not None:
        account = get_user_model()._base_manager.filter(pk=person.key).first()
        facts = {"user": account, "username": person.name, "email": person.email}
    recorder.record(events.AUDIT_EXPORTED, metadata=metadata, **facts)

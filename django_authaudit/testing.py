"""For a project's own tests: see what was recorded, with or without a database.

With pytest, a fixture is two lines::

    import pytest
    from django_authaudit.testing import assert_not_recorded, assert_recorded, capture_entries


    @pytest.fixture
    def entries():
        with capture_entries() as entries:
            yield entries


    def test_a_wrong_password_is_recorded(client, django_user_model, db, entries):
        bob = django_user_model.objects.create_user("bob", password="right")

        client.post("/login/", {"username": "bob", "password": "wrong"})

        why = {"reason": "invalid_password"}
        assert_recorded("auth.login.failure", entries=entries, user=bob, metadata=why)
        assert entries.events == ["account.created", "auth.login.failure"]

With Django's own test cases::

    class RefusalTests(SimpleTestCase):
        def test_strangers_are_refused(self):
            with capture_entries() as entries:
                self.client.get("/staff/")

            assert_recorded("authz.forbidden", entries=entries, path="/staff/")

Without `entries`, the table of the log is asked::

    def test_leaving_is_recorded(client, admin_user, db):
        client.force_login(admin_user)
        client.post("/logout/")

        assert_recorded("auth.logout", user=admin_user)
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from difflib import get_close_matches
from typing import Any

from django_authaudit import delivery, events, recorder
from django_authaudit.entry import Entry
from django_authaudit.sinks.database import write_alias

__all__ = ["CapturedEntries", "assert_not_recorded", "assert_recorded", "capture_entries"]

_MOST_LISTED = 20
_FACTS = ("user", "actor")
"""Accounts, compared by their keys; every other name is a field of `Entry`."""
_FIELDS = tuple(field.name for field in fields(Entry))
_SHOWN = ("username", "email", "actor_username", "path", "metadata")


class CapturedEntries(list[Entry]):
    """The entries of a ``with capture_entries()``, oldest first: a list that can be asked."""

    @property
    def events(self) -> list[str]:
        """The code of each entry's event."""
        return [entry.event for entry in self]

    def matching(self, event: str | None = None, **expected: Any) -> list[Entry]:
        """Return the entries of `event` that have all that is `expected` (`assert_recorded()`)."""
        _write_what_waits()
        return _matching(self, event, expected)

    def collect(self, entries: Sequence[Entry]) -> None:
        """Add `entries`; one that is known is told anew, since its transaction was rolled back."""
        for entry in entries:
            known = next((i for i, old in enumerate(self) if old.id == entry.id), None)
            if known is None:
                self.append(entry)
            else:
                self[known] = entry


@contextmanager
def capture_entries() -> Iterator[CapturedEntries]:
    """Collect every entry that is recorded inside, by whatever thread and for whatever sink.

    It works where the database is out of bounds (`SimpleTestCase`, pytest without ``db``), and it
    changes nothing: entries are stored as ever. An entry appears when it is stored: that of a
    request with the response, that of a transaction with its end.
    """
    captured = CapturedEntries()
    _write_what_waits()
    delivery.collectors.append(captured.collect)
    try:
        yield captured
        _write_what_waits()
    finally:
        delivery.collectors.remove(captured.collect)


def assert_recorded(
    event: str, *, entries: Sequence[Entry] | None = None, times: int = 1, **expected: Any
) -> Entry:
    """Assert that `event` was recorded `times`, no less and no more, and return the last entry.

    Only entries that have all that is `expected` count: fields of `Entry`, such as
    ``username="bob"``, ``outcome="failure"`` or ``path="/login/"``; ``user=`` and ``actor=``, an
    account, its key or None; and ``metadata=``, of which only the named keys are compared.
    `entries` are those of `capture_entries()`; without them the table of the log is read.

    Raises AssertionError with a list of what was recorded, and TypeError for a name that no entry
    has.
    """
    if times < 1:
        raise ValueError("To say that an event did not happen, use assert_not_recorded().")
    found = _recorded(entries)
    matching = _matching(found, event, expected)
    if len(matching) != times:
        how_often = "" if times == 1 and not matching else _how_often(len(matching), times)
        raise AssertionError(
            f"{_described(event, expected)} was not recorded{how_often}."
            f"{_no_such_event(event)}{_nearest(found, event, expected)}{_listing(found)}"
        )
    return matching[-1]


def assert_not_recorded(
    event: str, *, entries: Sequence[Entry] | None = None, **expected: Any
) -> None:
    """Assert that no `event` was recorded with all that is `expected` (see `assert_recorded()`).

    Raises AssertionError, and ValueError for an event that is not in the catalogue: a typo would
    never be noticed.
    """
    if not events.is_registered(event):
        raise ValueError(f"{event!r} could never be found.{_no_such_event(event)}")
    found = _recorded(entries)
    if _matching(found, event, expected):
        raise AssertionError(f"{_described(event, expected)} was recorded.{_listing(found)}")


def _write_what_waits() -> None:
    """Have the entries of transactions that were rolled back appear, where that is possible."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        recorder.write_settled()


def _recorded(entries: Sequence[Entry] | None) -> Sequence[Entry]:
    _write_what_waits()
    if entries is not None:
        return entries
    from django_authaudit.models import AuditLog

    rows = AuditLog.objects.using(write_alias()).order_by("id")
    return [Entry(**{name: getattr(row, name) for name in _FIELDS}) for row in rows]


def _matching(
    entries: Sequence[Entry], event: str | None, expected: Mapping[str, Any]
) -> list[Entry]:
    unknown = set(expected) - {*_FACTS, *_FIELDS}
    if unknown:
        names = ", ".join(sorted((*_FACTS, *_FIELDS)))
        raise TypeError(f"No entry has {', '.join(sorted(unknown))}. It has {names}.")
    return [
        entry
        for entry in entries
        if event in (None, entry.event) and not list(_differences(entry, expected))
    ]


def _differences(entry: Entry, expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is otherwise in `entry` than it is `expected`, in words."""
    for name, value in expected.items():
        if name in _FACTS:
            name, value = f"{name}_id", getattr(value, "pk", value)
        found = getattr(entry, name)
        if name == "metadata":
            yield from _missing(found, value, name)
        elif found != value:
            yield f"{name} is {found!r}"


def _missing(found: Mapping[str, Any], expected: Mapping[str, Any], where: str) -> Iterator[str]:
    for key, value in expected.items():
        if key not in found:
            yield f"{where} has no {key!r}"
        elif isinstance(value, Mapping) and isinstance(found[key], Mapping):
            yield from _missing(found[key], value, f"{where}[{key!r}]")
        elif found[key] != value:
            yield f"{where}[{key!r}] is {found[key]!r}"


def _described(event: str, expected: Mapping[str, Any]) -> str:
    facts = ", ".join(f"{name}={value!r}" for name, value in expected.items())
    return f"{event} with {facts}" if facts else event


def _how_often(found: int, times: int) -> str:
    return f" {times} times but {found}" if times != 1 else f" once but {found} times"


def _no_such_event(event: str) -> str:
    if events.is_registered(event):
        return ""
    near = get_close_matches(event, [known.code for known in events.registered()], n=1)
    question = f" Did you mean {near[0]!r}?" if near else ""
    return f"\nThe catalogue has no event {event!r}.{question}"


def _nearest(entries: Sequence[Entry], event: str, expected: Mapping[str, Any]) -> str:
    """Return how the entry of the same event that comes nearest differs."""
    differences = [list(_differences(e, expected)) for e in entries if e.event == event]
    nearest = min(filter(None, differences), key=len, default=None)
    return f"\nNearest: {', '.join(nearest)}." if nearest else ""


def _listing(entries: Sequence[Entry]) -> str:
    if not entries:
        return "\nNothing was recorded."
    lines = [_line(entry) for entry in entries[-_MOST_LISTED:]]
    if len(entries) > _MOST_LISTED:
        lines.insert(0, f"... ({len(entries) - _MOST_LISTED} before)")
    return "\nRecorded were:" + "".join(f"\n  {line}" for line in lines)


def _line(entry: Entry) -> str:
    facts = [f"{name}={value!r}" for name in _SHOWN if (value := getattr(entry, name))]
    return " ".join([entry.event, entry.outcome, *facts])

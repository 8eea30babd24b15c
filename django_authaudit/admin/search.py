"""What is typed into the search box: an exact user name, e-mail address or IP address."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any
from uuid import UUID

from django.utils.functional import cached_property

from django_authaudit.addresses import address_text, parse_address
from django_authaudit.admin import indexes
from django_authaudit.cleaning import clean_text
from django_authaudit.entry import LIMITS
from django_authaudit.querysets import AuditLogQuerySet

Condition = tuple[str, str]
_FIRST_LOOK = 1_000
"""Matches that are read at once, before it pays to count."""


class Matches:
    """The newest entries that meet any of several conditions, newest first.

    An OR over columns makes a database choose between sorting every match and reading the table
    backwards until it has seen enough. Each column alone has an index in the order of the list:
    the newest ids of each are read from there, and merged here.
    """

    ordered = True

    def __init__(self, entries: AuditLogQuerySet, conditions: list[Condition], limit: int) -> None:
        self._entries = entries
        self._each = [_by_index(entries, *condition) for condition in conditions]
        self._limit = limit
        self._ids: list[UUID] = []
        self._complete = False

    @cached_property
    def found(self) -> int:
        """How many there are, counted up to the limit."""
        number = len(self._newest(_FIRST_LOOK))
        if number < _FIRST_LOOK:
            return number
        if any(entries[: self._limit].count() == self._limit for entries in self._each):
            return self._limit
        return len(self._newest(self._limit))

    def __getitem__(self, part: slice) -> Any:
        return self._entries.filter(pk__in=self._newest(part.stop)[part])

    def _newest(self, number: int) -> list[UUID]:
        if number > len(self._ids) and not self._complete:
            ids = [list(each.values_list("pk", flat=True)[:number]) for each in self._each]
            self._ids = sorted(set(chain.from_iterable(ids)), reverse=True)[:number]
            self._complete = all(len(some) < number for some in ids)
        return self._ids[:number]


def matches(entries: AuditLogQuerySet, term: str, limit: int) -> AuditLogQuerySet | Matches:
    """Return those of `entries` that `term` finds, `limit` at most; all if there is no term."""
    term = term.strip()
    return Matches(entries, list(_conditions(term)), limit) if term else entries


def _by_index(entries: AuditLogQuerySet, column: str, value: str) -> AuditLogQuerySet:
    found: AuditLogQuerySet = indexes.holding(entries, column, value)
    return found.order_by(*indexes.newest_first(entries, column))


def _conditions(term: str) -> Iterator[Condition]:
    """Yield each column to look into for `term`, and what to look for there.

    The term is cleaned as it was when it was recorded: what was cut or escaped there is found,
    and nothing that a database refuses gets through.
    """
    for column in ["username", "actor_username"] + ["email"] * ("@" in term):
        yield column, clean_text(term, LIMITS[column])[0]
    if address := address_text(parse_address(term)):
        yield "ip_address", address

"""Rows of the log as they lie in the database, past every conversion that could hide an edit.

What a column holds is turned into what its leaf was made of, and nothing is forgiven on the way:
what is no proper value stays as it is, so that it does not match.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from django_authaudit.cleaning import is_safe_integer
from django_authaudit.entry import first_id_at, time_of
from django_authaudit.formats.base import iso_time
from django_authaudit.integrity.leaf import PROOFS
from django_authaudit.models import AuditLog

_PAGE = 2000
"""Rows that are in memory at a time."""
_ACCOUNTS = ("user_id", "actor_id")
_SMALL_INTEGERS = ("AutoField", "IntegerField", "PositiveIntegerField", "SmallAutoField")

Raw = tuple[Any, ...]
Decoder = Callable[[Any], Any]


class Row(NamedTuple):
    """One stored entry."""

    content: dict[str, Any]
    """What its leaf should be made of."""
    leaf: Any
    signature: Any
    id: Any = None
    """Its primary key as the database has it, after which the next page begins."""


class Page(NamedTuple):
    """Rows that were fetched at once."""

    writers: set[Any]
    rows: Iterator[Row]
    """Each is decoded when its turn comes: made and used at once, it is still at hand."""


class Reader:
    """Reads the table of the log in the database `alias`, a page at a time."""

    def __init__(self, alias: str) -> None:
        self._connection = connections[alias]
        # In the order of their canonical form, which is then sorted the quickest.
        self._fields = sorted(AuditLog._meta.concrete_fields, key=_place)
        self._names = [field.attname for field in self._fields]
        decoders = zip(self._names, map(self._decoder, self._fields), strict=True)
        self._decoders = {name: decode for name, decode in decoders if decode is not None}
        self._columns = [name for name in self._names if name not in PROOFS]
        self._zone = self._connection.timezone or timezone.get_default_timezone()
        self._has_utc = str(self._zone) == "UTC"
        columns = ", ".join(map(self._expression, self._fields))
        table = self._quote(AuditLog._meta.db_table)
        self._select = f"SELECT {columns} FROM {table}"  # noqa: S608
        # A bare name would be that of the column of the result, of which there is no index.
        self._by_id = f"ORDER BY {table}.id"
        self._by_number = f"ORDER BY {table}.writer, {table}.sequence, {table}.id"
        self._writer, self._sequence, self._id = map(
            self._names.index, ("writer", "sequence", "id")
        )

    def by_number(self, where: str = "1 = 1", parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Yield the rows that meet the SQL condition `where` by writer, number and id.

        Those without a writer come first.
        """
        for page in self.pages(where, parameters):
            yield from page.rows

    def pages(self, where: str = "1 = 1", parameters: Sequence[Any] = ()) -> Iterator[Page]:
        """Yield the rows as `by_number()` does, a page at a time."""
        yield from self._pages(self._page_without_writer, where, parameters)
        yield from self._pages(self._page, where, parameters)

    def pages_since(self, moment: datetime) -> Iterator[Page]:
        """Yield the pages of the rows of `moment` and later."""
        return self.pages("id >= %s", [self._raw_id(first_id_at(moment))])

    def by_id(self, since: UUID, after: Any, most: int) -> list[Row]:
        """Return up to `most` rows from the id `since` on, and after the raw id `after`."""
        condition, start = "id >= %s", [self._raw_id(since)]
        if after is not None:
            condition, start = f"{condition} AND id > %s", [*start, after]
        found = self._fetch(f"{condition} {self._by_id}", start, most)
        return [self._decode(raw) for raw in found]

    def of(self, ids: Sequence[UUID]) -> list[Row]:
        """Return the rows that have one of `ids`."""
        marks = ", ".join(["%s"] * len(ids))
        found = self._fetch(f"id IN ({marks}) {self._by_id}", [*map(self._raw_id, ids)], len(ids))
        return [self._decode(raw) for raw in found]

    def _pages(
        self,
        fetch: Callable[[str, Sequence[Any], Raw | None], list[Raw]],
        where: str,
        parameters: Sequence[Any],
    ) -> Iterator[Page]:
        last: Raw | None = None
        while page := fetch(where, parameters, last):
            last = page[-1]
            writers = {raw[self._writer] for raw in page}
            decode = self._decoders.get("writer")
            yield Page(set(map(decode, writers)) if decode else writers, map(self._decode, page))

    def _raw_id(self, id: UUID) -> Any:
        return self._fields[self._id].get_db_prep_value(id, self._connection)

    def _page_without_writer(
        self, where: str, parameters: Sequence[Any], last: Raw | None
    ) -> list[Raw]:
        after, its = ("", []) if last is None else (" AND id > %s", [last[self._id]])
        condition = f"writer IS NULL{after} AND {where} {self._by_id}"
        return self._fetch(condition, [*its, *parameters], _PAGE)

    def _page(self, where: str, parameters: Sequence[Any], last: Raw | None) -> list[Raw]:
        order = self._by_number
        if last is None:
            condition = f"writer IS NOT NULL AND {where} {order}"
            return self._fetch(condition, parameters, _PAGE)
        writer, sequence, id = last[self._writer], last[self._sequence], last[self._id]
        # No database but PostgreSQL finds a row value's place in an index.
        rest = self._fetch(
            "writer = %s AND sequence >= %s AND NOT (sequence = %s AND id <= %s) "
            f"AND {where} {order}",
            [writer, sequence, sequence, id, *parameters],
            _PAGE,
        )
        if len(rest) < _PAGE:
            condition = f"writer > %s AND {where} {order}"
            rest += self._fetch(condition, [writer, *parameters], _PAGE - len(rest))
        return rest

    def _fetch(self, condition: str, parameters: Sequence[Any], most: int) -> list[Raw]:
        sql = f"{self._select} WHERE {condition} LIMIT {most}"
        with self._connection.cursor() as cursor, any_text(self._connection):
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def _decode(self, raw: Raw) -> Row:
        # The proofs come last, and have no name here.
        content = dict(zip(self._columns, raw, strict=False))
        for name, decode in self._decoders.items():
            content[name] = decode(content[name])
        content["created_at"] = self._time(content["created_at"], content["id"])
        return Row(content, raw[-2], raw[-1], raw[self._id])

    def _time(self, text: Any, id: Any) -> Any:
        """Return a time in the form of the formats if it is in whole milliseconds."""
        if not isinstance(text, str):
            return text
        if len(text) == 19:
            text += ".000000"
        if not self._has_utc:
            return self._time_by_id(text, id)
        whole = len(text) == 26 and text[10] == " " and text.endswith("000")
        return f"{text[:10]}T{text[11:23]}Z" if whole else text

    def _time_by_id(self, text: str, id: Any) -> str:
        """Return the time in `id` if `text` is its local time: twice a year there are two."""
        try:
            moment = time_of(UUID(id))
        except (ValueError, OverflowError, AttributeError):
            return text
        local = moment.astimezone(self._zone).replace(tzinfo=None)
        return iso_time(moment) if local.isoformat(" ", "microseconds") == text else text

    def _quote(self, name: str) -> str:
        return self._connection.ops.quote_name(name)

    def _expression(self, field: models.Field[Any, Any]) -> str:
        """Return SQL for what `field` holds, in a form that no driver converts."""
        column, vendor = self._quote(str(field.column)), self._connection.vendor
        if isinstance(field, models.DateTimeField):
            if vendor == "postgresql":
                return f"to_char({column}, 'YYYY-MM-DD HH24:MI:SS.US')"
            return f"CAST({column} AS {'TEXT' if vendor == 'sqlite' else 'CHAR'})"
        if vendor == "postgresql":
            if isinstance(field, models.GenericIPAddressField):
                return f"abbrev({column})"
            if isinstance(_target(field), (models.UUIDField, models.JSONField)):
                return f"{column}::text"
        return column

    def _decoder(self, field: models.Field[Any, Any]) -> Decoder | None:
        """Return what makes the value of a leaf out of a raw one of `field`, if need be."""
        kind = _target(field)
        if isinstance(kind, models.JSONField):
            return _json
        if isinstance(kind, models.GenericIPAddressField):
            return _address
        if isinstance(kind, models.UUIDField):
            return None if self._connection.features.has_native_uuid_field else _uuid
        return _key(kind, self._connection) if field.attname in _ACCOUNTS else None


def _place(field: models.Field[Any, Any]) -> tuple[bool, str]:
    return field.name in PROOFS, field.attname


def _target(field: models.Field[Any, Any]) -> Any:
    """Return `field`, or the primary key that it refers to."""
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def _json(text: Any) -> Any:
    if text == "{}":
        return {}
    try:
        value, end = _read_json(text)
        return value if end == len(text) else text
    except (ValueError, TypeError, RecursionError):
        return text


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("A key twice: readers differ in which value they take.")
    return values


def _refuse(text: str) -> Any:
    raise ValueError("No entry holds a fraction.")


_read_json = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse
).raw_decode


def _address(text: Any) -> Any:
    # PostgreSQL alone writes the last four bytes of some as an IPv4 address.
    if isinstance(text, str) and ":" in text and "." in text:
        try:
            return str(ipaddress.ip_address(text))
        except ValueError:
            pass
    return text


def _uuid(text: Any) -> Any:
    if isinstance(text, str) and len(text) == 32:
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    # A hyphenated one would be found by no query of Django.
    return text if text is None else f"?{text}"


def _key(field: Any, connection: BaseDatabaseWrapper) -> Decoder | None:
    """Return what makes of the raw key of an account what an entry holds of it, if need be."""
    if field.get_internal_type() in _SMALL_INTEGERS:
        return None
    convert = getattr(field, "from_db_value", None)

    def decode(value: Any) -> Any:
        if value is not None and convert is not None:
            value = convert(value, None, connection)
        return value if value is None or is_safe_integer(value) else str(value)

    return decode


@contextmanager
def any_text(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Have SQLite give what is no UTF-8 too, in a form that matches no leaf."""
    if connection.vendor != "sqlite":
        yield
        return
    raw = connection.connection
    before = raw.text_factory
    raw.text_factory = _text
    try:
        yield
    finally:
        raw.text_factory = before


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")

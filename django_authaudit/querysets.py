"""The questions that the log answers, as a queryset that cannot change it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from django.db import models

from django_authaudit.entry import Entry, first_id_at
from django_authaudit.events import FAILURE
from django_authaudit.exceptions import ReadOnlyError, TamperedError

if TYPE_CHECKING:
    from django_authaudit.models import AuditLog  # noqa: F401 - named in a string below

ModelT = TypeVar("ModelT", bound=models.Model)
COLUMNS = tuple(field.name for field in fields(Entry))
"""What of a row makes an `Entry`."""
_UNREADABLE = "The log has entries that cannot be read: verify_audit_log names them."


@contextmanager
def readable() -> Iterator[None]:
    """Raise TamperedError for what is no value of its column: SQLite keeps whatever is written."""
    try:
        yield
    except (AttributeError, TypeError, ValueError) as error:
        raise TamperedError(_UNREADABLE) from error


class AppendOnlyQuerySet(models.QuerySet[ModelT]):
    """Rows that are read and added, never changed."""

    def update(self, **values: Any) -> NoReturn:
        """Raise ReadOnlyError: an entry never changes."""
        raise ReadOnlyError("The entries of the audit log are never changed.")

    def bulk_update(self, *args: Any, **options: Any) -> NoReturn:
        """Raise ReadOnlyError: an entry never changes."""
        raise ReadOnlyError("The entries of the audit log are never changed.")

    def bulk_create(self, objs: Any, *args: Any, **options: Any) -> Any:
        """Insert `objs`; raise ReadOnlyError where stored rows would change by it."""
        if options.get("update_conflicts") or any(args[2:3]):
            raise ReadOnlyError("The entries of the audit log are never changed.")
        return super().bulk_create(objs, *args, **options)

    def delete(self) -> NoReturn:
        """Raise ReadOnlyError: entries leave by retention alone."""
        raise ReadOnlyError("Entries are deleted by prune_audit_log alone.")

    # Django's templates and admin must not call them either.
    update.alters_data = True  # type: ignore[attr-defined]
    bulk_update.alters_data = True  # type: ignore[attr-defined]
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class AuditLogQuerySet(AppendOnlyQuerySet["AuditLog"]):
    """Entries, newest last; ranges of time are ranges of the primary key."""

    def for_user(self, user: Any) -> AuditLogQuerySet:
        """Return the entries that concern the account `user` (an instance or its key)."""
        return self.filter(user_id=getattr(user, "pk", user))

    def by_actor(self, user: Any) -> AuditLogQuerySet:
        """Return the entries of what `user` (an instance or its key) did."""
        return self.filter(actor_id=getattr(user, "pk", user))

    def for_ip(self, address: str) -> AuditLogQuerySet:
        """Return the entries from the client address `address`."""
        return self.filter(ip_address=address)

    def of_event(self, code: str) -> AuditLogQuerySet:
        """Return the entries of the event `code`."""
        return self.filter(event=code)

    def failed(self) -> AuditLogQuerySet:
        """Return the entries of what failed or was refused."""
        return self.filter(outcome=FAILURE)

    def between(self, start: datetime, end: datetime) -> AuditLogQuerySet:
        """Return the entries from `start` up to, but not including, `end`."""
        return self.filter(id__gte=first_id_at(start), id__lt=first_id_at(end))

    def since(self, moment: datetime) -> AuditLogQuerySet:
        """Return the entries of `moment` and later."""
        return self.filter(id__gte=first_id_at(moment))

    def older_than(self, moment: datetime) -> AuditLogQuerySet:
        """Return the entries from before `moment`."""
        return self.filter(id__lt=first_id_at(moment))

    def entries(self, batch_size: int = 2_000) -> Iterator[Entry]:
        """Yield them as `Entry`, oldest first, however many: only a batch is held in memory.

        Each batch goes on after the last key. A cursor would not do: MariaDB and SQLite hold
        all of its rows, and that of PostgreSQL holds a transaction open. Raises TamperedError for
        rows that somebody has written over with what is no value of theirs.
        """
        rows = self.order_by("pk").values_list(*COLUMNS)
        batch = _read(rows[:batch_size])
        while batch:
            for row in batch:
                yield Entry(**dict(zip(COLUMNS, row, strict=True)))
            last = batch[-1][COLUMNS.index("id")]
            batch = _read(rows.filter(pk__gt=last)[:batch_size])


def _read(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    number = COLUMNS.index("sequence")
    with readable():
        found = list(rows)
    # SQLite keeps what has another type than its column.
    if any(bytes in map(type, row) or type(row[number]) is not int for row in found):
        raise TamperedError(_UNREADABLE)
    return found


AppendOnlyManager = models.Manager.from_queryset(AppendOnlyQuerySet)
AuditLogManager = models.Manager.from_queryset(AuditLogQuerySet)

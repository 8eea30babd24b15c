"""Give spooled entries to the database, each exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DataError, IntegrityError
from django.db.transaction import TransactionManagementError

from django_authaudit import spool, transactions
from django_authaudit.entry import Entry
from django_authaudit.sinks.database import insert

DATA_ERRORS = (DataError, IntegrityError, ValueError, TypeError, OverflowError)
"""What a database says of a value, as opposed to of itself."""
_CHUNK = 40


@dataclass
class Replayed:
    """What became of one file of the spool."""

    stored: int = 0
    present: int = 0
    rejected: int = 0


def replay_file(alias: str) -> Replayed | None:
    """Replay one file of the spool into `alias`; return None when none is waiting.

    Ids that the table holds already are passed over, never INSERT IGNOREd: MariaDB would store
    cut values. What the database refuses for its value, and lines that are no entries, are set
    aside in a file named ``*.rejected``. Raises the database's error when it is still away; the
    file is then replayed again. Raises TransactionManagementError inside a transaction: the rows
    would be lost with its rollback, and the file is gone.
    """
    in_transaction = transactions.in_transaction(alias) and transactions.test_case(alias) is None
    if in_transaction or transactions.by_hand(alias):
        raise TransactionManagementError("The spool is not replayed inside a transaction.")
    claimed = spool.claim(alias)
    if claimed is None:
        return None
    with claimed as file:
        result = Replayed(rejected=len(file.rejected))
        refused: list[Entry] = []
        for start in range(0, len(file.entries), _CHUNK):
            chunk = file.entries[start : start + _CHUNK]
            missing = _missing(alias, chunk)
            result.present += len(chunk) - len(missing)
            refused += _store(alias, missing)
            result.stored += len(missing)
        result.stored -= len(refused)
        result.rejected += len(refused)
        file.finish(refused)
    return result


def _missing(alias: str, entries: Sequence[Entry]) -> list[Entry]:
    """Return those of `entries`, each once, whose ids the table lacks."""
    from django_authaudit.models import AuditLog

    by_id = {entry.id: entry for entry in entries}
    found = AuditLog.objects.using(alias).filter(pk__in=list(by_id))
    for present in found.values_list("pk", flat=True):
        del by_id[present]
    return list(by_id.values())


def _store(alias: str, entries: Sequence[Entry]) -> list[Entry]:
    """Insert `entries`, together or else one by one; return those that are refused."""
    if not entries:
        return []
    try:
        insert(alias, entries)
    except DATA_ERRORS:
        if len(entries) == 1:
            # Unless another process has stored it meanwhile, from a file of its own.
            return _missing(alias, entries)
        return [refused for entry in entries for refused in _store(alias, [entry])]
    return []

"""Seals: signed statements about runs of entries, in one chain.

Each says how many entries it is about and what the digest of their runs is, and names the seal
before it by its hash. Nobody waits for a seal but whoever makes the next one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from django.db import connections

from django_authaudit.formats.base import iso_time
from django_authaudit.integrity import ed25519
from django_authaudit.integrity.canonical import canonical
from django_authaudit.integrity.keys import is_signed, signing_key
from django_authaudit.integrity.runs import Run, digest_of_runs
from django_authaudit.models import AuditSeal, SealedRun

PURPOSE = b"seal"
"""What a signature of a seal is for."""
VERSION = 1
_MOST_AT_ONCE = 100
"""Runs an INSERT: SQLite knew 999 variables a statement before 3.32."""


def append(
    before: AuditSeal | None,
    kind: str,
    runs: Sequence[Run],
    *,
    using: str,
    until: datetime | None = None,
) -> AuditSeal:
    """Add a seal about `runs` to the chain after `before`, which `lock_chain()` gave.

    Raises IntegrityError if another has added one meanwhile: roll back and try again.
    """
    seal = _make(kind, before, runs, until)
    seal.save(using=using)
    SealedRun.objects.using(using).bulk_create(
        (_stored(seal, run) for run in runs), batch_size=_MOST_AT_ONCE
    )
    return seal


def lock_chain(using: str) -> AuditSeal | None:
    """Have whoever else would add a seal wait for the end of the open transaction.

    Returns the newest seal. What is to be sealed has to be read after it. Raises OperationalError
    if another's lock is in the way for too long.
    """
    if connections[using].vendor == "sqlite":
        table = connections[using].ops.quote_name(AuditSeal._meta.db_table)
        with connections[using].cursor() as cursor:
            # To write nothing takes the lock as well, and waits for it, which going from reading
            # to writing does not.
            cursor.execute(f"UPDATE {table} SET number = number WHERE number = 0")  # noqa: S608
    else:
        # All lock the same row, whatever the last one is when they get it.
        AuditSeal.objects.using(using).select_for_update().filter(number=1).first()
    # In MariaDB, only a read that locks sees past the transaction's snapshot.
    return AuditSeal.objects.using(using).select_for_update().order_by("-number").first()


def _make(
    kind: str, before: AuditSeal | None, runs: Sequence[Run], until: datetime | None
) -> AuditSeal:
    number = before.number + 1 if before is not None else 1
    statement = canonical(
        {
            "version": VERSION,
            "number": number,
            "kind": kind,
            "created_at": iso_time(datetime.now(timezone.utc)),
            "until": iso_time(until) if until is not None else None,
            "count": sum(run.size for run in runs),
            "digest": digest_of_runs(runs),
            "previous": hash_of(before) if before is not None else "",
        }
    )
    return AuditSeal(
        number=number,
        kind=kind,
        statement=statement.decode(),
        signature=signing_key().sign(PURPOSE, statement),
        public_signature=ed25519.sign(statement),
    )


def _stored(seal: AuditSeal, run: Run) -> SealedRun:
    return SealedRun(seal=seal, **run._asdict())


def hash_of(seal: AuditSeal) -> str:
    """Return the SHA-256 of what `seal` states, by which the next one names it."""
    return hashlib.sha256(seal.statement.encode(errors="surrogateescape")).hexdigest()


def statement_of(seal: AuditSeal) -> dict[str, Any]:
    """Return what `seal` states; raise ValueError if that is not a statement of this seal."""
    try:
        values: dict[str, Any] = json.loads(seal.statement)
        own = canonical(values).decode() == seal.statement
        named = values.get("number"), values.get("kind")
    except (TypeError, AttributeError, RecursionError) as error:
        raise ValueError("The statement is no JSON object.") from error
    if not own:
        raise ValueError("The statement is in no canonical form.")
    if named != (seal.number, seal.kind):
        raise ValueError("The statement is that of another seal.")
    return values


def time_in(text: str) -> datetime:
    """Return the time that a statement says as `text`; raise ValueError for none."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")


def is_genuine(seal: AuditSeal) -> bool:
    """Return whether `seal` is signed by one of our keys."""
    return is_signed(seal.signature, PURPOSE, seal.statement.encode(errors="surrogateescape"))


def to_dict(seal: AuditSeal) -> dict[str, Any]:
    """Return `seal` as it leaves the database, for anchors, sinks and bundles."""
    return {
        **statement_of(seal),
        "hash": hash_of(seal),
        "signature": seal.signature,
        "public_signature": seal.public_signature,
    }


def to_line(seal: AuditSeal) -> str:
    """Return `seal` as one line of JSON."""
    return canonical(to_dict(seal)).decode()


def from_dict(values: dict[str, Any]) -> AuditSeal:
    """Return the seal of what `to_dict()` gave; raise ValueError, TypeError or KeyError."""
    values = dict(values)
    signature, public_signature = values.pop("signature"), values.pop("public_signature")
    stated_hash = values.pop("hash")
    seal = AuditSeal(
        number=values["number"],
        kind=values["kind"],
        statement=canonical(values).decode(),
        signature=signature,
        public_signature=public_signature,
    )
    if hash_of(seal) != stated_hash:
        raise ValueError("The hash is not that of the statement.")
    return seal

"""Seal what is not sealed yet, page by page of the log, and say so when there is nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

from django.db import IntegrityError, OperationalError, transaction

from django_authaudit.entry import EPOCH, first_id_at
from django_authaudit.integrity import seals
from django_authaudit.integrity.condition import Condition, condition_of
from django_authaudit.integrity.rows import Reader, Row
from django_authaudit.integrity.runs import Run, runs_of
from django_authaudit.integrity.sealed import with_sealed
from django_authaudit.models import AuditSeal

LOOK_BACK = timedelta(hours=1)
"""For how long before the last seal entries are looked for that came late: an entry has the time
of when it happened, and may wait for the end of a transaction."""
MOST_ROWS = 20_000
"""Entries a seal; they are in memory."""
_TRIES, _PAUSE = 20, 0.05
"""How often, and after how many seconds, it is tried again while another seals."""


def seal(using: str) -> Iterator[AuditSeal]:
    """Seal the entries in the database `using` that no seal covers, and yield each seal.

    There is one at least: it shows that sealing is at work. Entries whose own signature is wrong
    are left out, so that no seal ever vouches for them. Several at once do no harm: each entry is
    in one seal. Raises the database's error, and KeyUnusableError for a wrong AUTHAUDIT_SEAL_KEY.
    """
    after: Any = None
    while True:
        made, after = _patiently(using, after)
        if made is not None:
            yield made
        if after is None:
            return


def _patiently(using: str, after: Any) -> tuple[AuditSeal | None, Any]:
    """Seal a page; try again while another's lock or seal is in the way."""
    for _ in range(_TRIES):
        try:
            with transaction.atomic(using=using):
                return _seal_page(using, after)
        except (IntegrityError, OperationalError):
            time.sleep(_PAUSE)
    with transaction.atomic(using=using):
        return _seal_page(using, after)


def _seal_page(using: str, after: Any) -> tuple[AuditSeal | None, Any]:
    """Seal up to MOST_ROWS entries; return the seal, and after which id more are to be sealed."""
    before = seals.lock_chain(using)
    now, seen = datetime.now(timezone.utc), _seen_until(using)
    page = Reader(using).by_id(first_id_at(max(EPOCH, seen - LOOK_BACK)), after, MOST_ROWS)
    more = page[-1].id if len(page) == MOST_ROWS else None
    runs = list(_unsealed(page, using))
    if more is not None and not runs:
        return None, more
    until = now if more is None else seen
    return seals.append(before, AuditSeal.SEALED, runs, using=using, until=until), more


def _seen_until(using: str) -> datetime:
    """Return up to when the newest seal looked for entries; without one, the beginning of time."""
    sealed = AuditSeal.objects.using(using).filter(kind=AuditSeal.SEALED)
    newest = sealed.order_by("-number").first()
    try:
        return EPOCH if newest is None else seals.time_in(seals.statement_of(newest)["until"])
    except (ValueError, TypeError, KeyError):
        # A seal that was edited, as verification says.
        return EPOCH


def _unsealed(page: list[Row], using: str) -> Iterator[Run]:
    places = (
        (row.content["writer"], row.content["sequence"], row.leaf)
        for row in page
        if condition_of(row) in (Condition.INTACT, Condition.ERASED)
    )
    for run, sealed in with_sealed(list(runs_of(places)), using):
        for part, inside in run.split(sealed):
            if inside is None:
                yield part._replace(leaves="")

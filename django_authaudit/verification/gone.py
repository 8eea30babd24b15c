"""Writers whom a seal names, and of whom the log has nothing left."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Exists, OuterRef

from django_authaudit.models import AuditLog, AuditSeal, SealedRun
from django_authaudit.verification.chain import Chain

_PAGE = 500


def writers_without_entries(
    using: str, chain: Chain, since: datetime | None
) -> Iterator[list[str]]:
    """Yield writers that seals of `since` name, and that have no entry of `since`."""
    entries = AuditLog.objects.using(using).filter(writer=OuterRef("writer"))
    if since is not None:
        entries = entries.since(since)
    runs = SealedRun.objects.using(using).filter(
        ~Exists(entries), seal__kind=AuditSeal.SEALED, seal__number__gte=chain.first_since
    )
    # What a broken seal names may not even be a writer.
    runs = runs.exclude(seal__in=chain.broken)
    writers = runs.order_by("writer").values_list("writer", flat=True).distinct()
    page = list(writers[:_PAGE])
    while page:
        yield [str(writer) for writer in page]
        page = list(writers.filter(writer__gt=page[-1])[:_PAGE])

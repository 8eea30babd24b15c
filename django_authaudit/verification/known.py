"""What the seals say of writers, as far as the seals are to be trusted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db import connections

from django_authaudit.integrity.rows import any_text
from django_authaudit.integrity.runs import Run, digest_of
from django_authaudit.models import AuditSeal, SealedRun
from django_authaudit.verification.ages import Sealed
from django_authaudit.verification.chain import Chain
from django_authaudit.verification.numbers import Known

_WRITERS_A_QUERY = 500


def known_of(
    writers: Iterable[Any], using: str, chain: Chain, since: int = 0
) -> defaultdict[Any, Known]:
    """Return what is known of `writers`; of sealed runs, only by seals from number `since` on."""
    found: defaultdict[Any, Known] = defaultdict(Known)
    pruned: defaultdict[str, list[Sealed]] = defaultdict(list)
    wanted = [writer for writer in writers if _is_uuid(writer)]
    for start in range(0, len(wanted), _WRITERS_A_QUERY):
        for seal, kind, run in _runs(wanted[start : start + _WRITERS_A_QUERY], using):
            if chain.trusts(seal):
                known = found[run.writer]
                if kind == AuditSeal.PRUNED:
                    known.pruned.append(run)
                    pruned[run.writer].append((run, seal))
                elif kind == AuditSeal.ERASED:
                    known.erased += [run] if _has_its_leaves(run) else []
                elif seal >= since:
                    known.sealed.append((run, seal))
    for writer, gone in pruned.items():
        found[writer].too_young += chain.ages.too_young(found[writer].sealed, gone)
    return found


def _runs(writers: list[str], using: str) -> Iterator[tuple[int, str, Run]]:
    values = ("seal_id", "seal__kind", "writer", "first", "last", "digest", "leaves")
    runs = SealedRun.objects.using(using).filter(writer__in=writers).order_by("writer", "first")
    connections[using].ensure_connection()
    with any_text(connections[using]):
        rows = list(runs.values_list(*values))
    for seal, kind, writer, *rest in rows:
        yield seal, kind, Run(str(writer), *rest)


def _has_its_leaves(run: Run) -> bool:
    # A seal signs their digest alone.
    try:
        return digest_of(run.leaves) == run.digest
    except (ValueError, TypeError):
        return False


def _is_uuid(writer: Any) -> bool:
    try:
        return bool(str(UUID(writer)) == writer)
    except (ValueError, TypeError, AttributeError):
        return False

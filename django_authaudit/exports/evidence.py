"""A bundle that an auditor checks without us: entries, seals, checksums, and what checks them.

It is a ZIP file of

- ``entries.jsonl``: entries by writer and number. Of a run that a seal is about, all or none are
  there: those that were not asked for show their leaf alone.
- ``seals.jsonl``: the whole chain of seals, each with its runs. The leaves of pruned and erased
  entries are there as far as a run that is shown has holes to fill by them.
- ``manifest.json``: what was asked for, how much there is, and the SHA-256 of each file; signed.
- ``SHA256SUMS``, for ``sha256sum -c``, and ``verify_bundle.py``, which needs Python alone.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from array import array
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from datetime import datetime, timezone
from itertools import groupby
from pathlib import Path
from typing import Any
from uuid import UUID

from django_authaudit.exceptions import ExportError, KeyUnusableError
from django_authaudit.exports.selection import Selection
from django_authaudit.formats.base import iso_time, one_line, service_name
from django_authaudit.integrity import ed25519, verify_bundle
from django_authaudit.integrity.canonical import canonical
from django_authaudit.integrity.rows import Reader, Row
from django_authaudit.models import AuditSeal, SealedRun

VERIFIER = Path(verify_bundle.__file__)
_LAST = 2**63
"""Beyond every number."""
_THE_SAME_DAY = (1980, 1, 1, 0, 0, 0)
"""The time of every file within: the manifest has the true one."""

Stretch = tuple[int, int]
Marked = tuple[Row, bool]
"""An entry, and whether it is to be shown."""
Numbers = dict[str, "array[int]"]
"""The numbers of entries by their writers, in order."""


class Evidence:
    """A bundle in the making, of the entries of `selection` in the database `using`."""

    def __init__(self, selection: Selection, using: str) -> None:
        self.selection, self.using = selection, using
        self.counts: Counter[str] = Counter(shown=0, withheld=0, unsealed=0, seals=0)
        self._sums: dict[str, str] = {}
        self._shown_runs: dict[str, list[Stretch]] = {}

    def write(self, file: Any) -> Generator[int, None, None]:
        """Write the bundle to `file`; yield how many entries it has, as they become more.

        Raises ExportError if there is no AUTHAUDIT_SEAL_KEY to sign it, or if the newest seal was
        made without.
        """
        # Better said now than after the last entry.
        _sign(b"")
        until = _newest_seal(self.using)
        chosen = None if self.selection == Selection() else _numbers(self.selection, self.using)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
            yield from self._add(bundle, "entries.jsonl", self._lines(chosen, until))
            yield from self._add(bundle, "seals.jsonl", self._seals(until))
            yield from self._add(bundle, VERIFIER.name, [VERIFIER.read_bytes()])
            manifest = self._manifest(complete=chosen is None)
            yield from self._add(bundle, "manifest.json", [manifest])
            sums = "".join(f"{digest}  {name}\n" for name, digest in self._sums.items())
            yield from self._add(bundle, "SHA256SUMS", [sums.encode()])

    def _add(self, bundle: zipfile.ZipFile, name: str, blocks: Iterable[bytes]) -> Iterator[int]:
        digest = hashlib.sha256()
        info = zipfile.ZipInfo(name, _THE_SAME_DAY)
        info.compress_type = zipfile.ZIP_DEFLATED
        with bundle.open(info, "w", force_zip64=True) as file:
            for block in blocks:
                digest.update(block)
                file.write(block)
                yield self.counts["shown"]
        self._sums[name] = digest.hexdigest()

    def _lines(self, chosen: Numbers | None, until: int) -> Iterator[bytes]:
        """Yield a line of each entry to show, and of each that shares a run with one."""
        runs = _SealedRuns(until, self.using)
        rows = Reader(self.using).by_number()
        for (writer, run), group in groupby(rows, key=runs.place_of):
            marked = ((row, chosen is None or _holds(chosen.get(writer), row)) for row in group)
            if run is None:
                yield from self._unsealed(marked)
            else:
                yield from self._sealed(writer, run, list(marked))

    def _unsealed(self, rows: Iterable[Marked]) -> Iterator[bytes]:
        for row, shown in rows:
            if shown:
                self.counts["shown"] += 1
                self.counts["unsealed"] += 1
                yield _line(row)

    def _sealed(self, writer: str, run: Stretch, rows: list[Marked]) -> Iterator[bytes]:
        if not any(shown for _, shown in rows):
            return
        self._shown_runs.setdefault(writer, []).append(run)
        for row, shown in rows:
            self.counts["shown" if shown else "withheld"] += 1
            yield _line(row) if shown else _leaf_of(row)

    def _seals(self, until: int) -> Iterator[bytes]:
        seals = AuditSeal.objects.using(self.using).filter(number__lte=until).order_by("number")
        for seal in seals.iterator(chunk_size=500):
            self.counts["seals"] += 1
            runs = SealedRun.objects.using(self.using).filter(seal_id=seal.number).order_by("id")
            line = one_line(
                {
                    "statement": seal.statement,
                    "public_signature": seal.public_signature,
                    "runs": [self._run_of(run) for run in runs.iterator(chunk_size=500)],
                }
            )
            yield f"{line}\n".encode()

    def _run_of(self, run: SealedRun) -> dict[str, Any]:
        return {
            "writer": str(run.writer),
            "first": run.first,
            "last": run.last,
            "digest": run.digest,
            "leaves": run.leaves if run.leaves and self._is_needed(run) else "",
        }

    def _is_needed(self, run: SealedRun) -> bool:
        """Return whether a run that is shown has entries of `run`, which are gone."""
        shown = self._shown_runs.get(str(run.writer), ())
        return any(first <= run.last and last >= run.first for first, last in shown)

    def _manifest(self, *, complete: bool) -> bytes:
        values: dict[str, Any] = {
            "kind": "evidence",
            "version": 1,
            "created_at": iso_time(datetime.now(timezone.utc)),
            "service": service_name(),
            "selection": self.selection.facts(),
            "complete": complete,
            **self.counts,
            "files": dict(self._sums),
        }
        values["signature"] = _sign(canonical(values))
        return json.dumps(values, indent=2).encode() + b"\n"


class _SealedRuns:
    """Which run a seal is about holds an entry; of the seals up to number `until`."""

    def __init__(self, until: int, using: str) -> None:
        self._until, self._using = until, using
        self._writer = ""
        self._runs: list[Stretch] = []

    def place_of(self, row: Row) -> tuple[str, Stretch | None]:
        """Return the writer of `row` and the run that it is in, None for no run."""
        writer, number = str(row.content["writer"]), row.content["sequence"]
        if writer != self._writer:
            self._writer, self._runs = writer, self._of(writer)
        if not isinstance(number, int):
            return writer, None
        place = bisect_right(self._runs, (number, _LAST)) - 1
        if place >= 0 and self._runs[place][1] >= number:
            return writer, self._runs[place]
        return writer, None

    def _of(self, writer: str) -> list[Stretch]:
        try:
            key = UUID(writer)
        except ValueError:
            # An entry that no recorder has numbered, or one that was edited.
            return []
        runs = SealedRun.objects.using(self._using).filter(
            writer=key, seal__kind=AuditSeal.SEALED, seal__number__lte=self._until
        )
        return sorted(runs.values_list("first", "last"))


def _newest_seal(using: str) -> int:
    newest = AuditSeal.objects.using(using).order_by("-number").first()
    if newest is None or not newest.public_signature:
        raise ExportError(
            "The newest seal is not signed for others, or there is none: run seal_audit_log "
            "where AUTHAUDIT_SEAL_KEY is set."
        )
    return newest.number


def _sign(message: bytes) -> str:
    try:
        signature = ed25519.sign(message)
    except KeyUnusableError as error:
        raise ExportError(f"AUTHAUDIT_SEAL_KEY cannot sign the bundle: {error}") from error
    if not signature:
        raise ExportError("AUTHAUDIT_SEAL_KEY is not set here: nothing signs the bundle.")
    return signature


def _numbers(selection: Selection, using: str) -> Numbers:
    found: Numbers = {}
    for entry in selection.entries(using):
        found.setdefault(str(entry.writer), array("q")).append(entry.sequence)
    return {writer: array("q", sorted(numbers)) for writer, numbers in found.items()}


def _holds(numbers: array[int] | None, row: Row) -> bool:
    number = row.content["sequence"]
    if numbers is None or not isinstance(number, int):
        return False
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def _line(row: Row) -> bytes:
    return _json({**row.content, "leaf": row.leaf, "signature": row.signature})


def _leaf_of(row: Row) -> bytes:
    content = row.content
    return _json({"writer": content["writer"], "sequence": content["sequence"], "leaf": row.leaf})


def _json(values: dict[str, Any]) -> bytes:
    # What was edited may be of any type that the database has.
    return json.dumps(values, separators=(",", ":"), default=str).encode() + b"\n"

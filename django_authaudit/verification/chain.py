"""The chain of the seals: whole, signed, linked, and about the runs that it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from django.db import connections

from django_authaudit.conf import conf
from django_authaudit.entry import EPOCH
from django_authaudit.integrity import ed25519, seals
from django_authaudit.integrity.keys import key_id, signing_keys
from django_authaudit.integrity.rows import any_text
from django_authaudit.integrity.runs import Run, digest_of_runs
from django_authaudit.integrity.sealing import LOOK_BACK
from django_authaudit.models import AuditSeal, SealedRun
from django_authaudit.verification.ages import Ages
from django_authaudit.verification.epochs import Epochs
from django_authaudit.verification.problems import Kind, Problem

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_PAGE = 500


class Chain:
    """The seals of the log in the database `using`."""

    def __init__(
        self,
        using: str,
        public_key: Ed25519PublicKey | None = None,
        since: datetime | None = None,
    ) -> None:
        self._using = using
        self._since = since
        self._public_key = public_key
        self._publicly_signed = False
        self.broken: set[int] = set()
        """The numbers of the seals that are not to be trusted."""
        self._trusted_later: dict[int, bool] = {}
        self._until = EPOCH
        self._sealed_at: datetime | None = None
        self.count = self.pruned = 0
        self.first_since = 1 if since is None else 0
        """The number of the first seal of `since` or later; 0: there is none."""
        self.last = 0
        """The number of the newest seal that was checked."""
        self.epochs = Epochs()
        self.ages = Ages()

    @property
    def until(self) -> datetime:
        """Up to when the newest seal looked for entries."""
        return self._until

    def check(self) -> Iterator[Problem]:
        """Yield what is wrong with the chain itself."""
        before: AuditSeal | None = None
        for seal in self.seals():
            self.count += 1
            if seal.number != self.last + 1:
                yield Problem(kind=Kind.SEAL_MISSING, first=self.last + 1, last=seal.number - 1)
                before = None
            fault = self._fault(seal, before)
            if fault:
                self.broken.add(seal.number)
                yield Problem(kind=Kind.SEAL_BROKEN, first=seal.number, detail=fault)
            else:
                yield from self._note(seal)
            before, self.last = seal, seal.number
        yield from self._silence(datetime.now(timezone.utc), None)

    def seals(self, after: int = 0) -> Iterator[AuditSeal]:
        """Yield the seals in order."""
        chain = AuditSeal.objects.using(self._using).order_by("number")
        while page := self._read(chain.filter(number__gt=after)[:_PAGE]):
            yield from page
            after = page[-1].number

    def trusts(self, number: int) -> bool:
        """Return whether the seal of that number was found in order, be it made meanwhile."""
        if number <= self.last:
            return number not in self.broken
        if number not in self._trusted_later:
            found = self._read(AuditSeal.objects.using(self._using).filter(number=number))
            self._trusted_later[number] = bool(found) and not self._fault(found[0], None)
        return self._trusted_later[number]

    def _read(self, found: Any) -> list[Any]:
        connections[self._using].ensure_connection()
        with any_text(connections[self._using]):
            return list(found)

    def _fault(self, seal: AuditSeal, before: AuditSeal | None) -> str:
        """Return what is wrong with `seal`, "" if nothing is."""
        try:
            statement = seals.statement_of(seal)
            moment = seals.time_in(statement["created_at"])
        except (ValueError, KeyError, TypeError):
            return "its statement was edited"
        if not self._is_signed(seal):
            return "its signature is not ours"
        if not self.epochs.allows(seal.signature, moment):
            return "its key had been retired"
        if before is not None and statement["previous"] != seals.hash_of(before):
            return "it does not follow the seal before it"
        if digest_of_runs(self._runs(seal)) != statement["digest"]:
            return "its runs were edited"
        return ""

    def _is_signed(self, seal: AuditSeal) -> bool:
        message = seal.statement.encode(errors="surrogateescape")
        if self._public_key is not None:
            if ed25519.is_signed(self._public_key, seal.public_signature, message):
                self._publicly_signed = True
            elif self._publicly_signed or key_id(seal.signature) not in signing_keys():
                return False
            if key_id(seal.signature) not in signing_keys():
                return True
        return seals.is_genuine(seal)

    def _runs(self, seal: AuditSeal) -> list[Run]:
        runs = SealedRun.objects.using(self._using).filter(seal=seal)
        values = runs.values_list("writer", "first", "last", "digest", "leaves")
        try:
            return sorted(Run(str(writer), *rest) for writer, *rest in self._read(values))
        except (ValueError, TypeError, AttributeError):
            return []

    def _note(self, seal: AuditSeal) -> Iterator[Problem]:
        statement = seals.statement_of(seal)
        moment = seals.time_in(statement["created_at"])
        self.epochs.note(seal.number, seal.signature, moment)
        if self._since is not None and not self.first_since and moment >= self._since:
            self.first_since = seal.number
        if seal.kind == AuditSeal.PRUNED:
            self.pruned += statement["count"]
            if statement["until"] is not None:
                self.ages.until.note(seal.number, seals.time_in(statement["until"]))
        if seal.kind == AuditSeal.SEALED:
            yield from self._silence(moment, seal.number)
            self._sealed_at = moment
            self.ages.since.note(seal.number, max(EPOCH, self._until - LOOK_BACK))
            self._until = seals.time_in(statement["until"])

    def _silence(self, moment: datetime, number: int | None) -> Iterator[Problem]:
        """Say so if there should have been a seal before `moment`."""
        longest = timedelta(hours=conf.AUTHAUDIT_SEAL_HOURS)
        if self._sealed_at is not None and moment - self._sealed_at > longest:
            end = f"seal {number} of {moment:%Y-%m-%d %H:%M:%S}" if number else "now"
            start = f"{self._sealed_at:%Y-%m-%d %H:%M:%S}"
            yield Problem(kind=Kind.SEALING_STOPPED, detail=f"none from {start} to {end}")

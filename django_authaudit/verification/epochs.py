"""Until when a key may sign: the order of the seals tells, which nobody without a key can change.

A key is retired by the first seal of a newer one. For KEY_OVERLAP after it, processes that were
not restarted yet may sign with the old one; whoever has stolen that can forge nothing newer.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from django_authaudit.entry import EPOCH
from django_authaudit.integrity.keys import key_id, signing_key

KEY_OVERLAP = timedelta(days=1)
"""For how long a key is believed after a newer one has made a seal."""


class Epochs:
    """What the seals, taken in order, say of each key."""

    def __init__(self) -> None:
        self._signs = signing_key().id
        self._seen: list[str] = []
        self._retired: dict[str, datetime] = {}
        self._first_without: dict[str, int] = {}
        self._now = EPOCH

    def allows(self, signature: str, moment: datetime) -> bool:
        """Return whether the key of `signature` may sign a seal of `moment` that comes next."""
        retired = self._retired.get(key_id(signature))
        # A clock that steps back gives no key its time again.
        return retired is None or max(self._now, moment) <= retired + KEY_OVERLAP

    def note(self, number: int, signature: str, moment: datetime) -> None:
        """Take in the next seal."""
        for id, retired in self._retired.items():
            if self._now > retired + KEY_OVERLAP:
                # What the seal before this one left is newer than the key.
                self._first_without.setdefault(id, number)
        self._now = max(self._now, moment)
        id = key_id(signature)
        if id not in self._seen:
            # To go back to an old key is to trust it again.
            for older in self._seen:
                if older != self._signs:
                    self._retired.setdefault(older, self._now)
            self._seen.append(id)

    def is_late(self, signature: str, sealed_in: int | None) -> bool:
        """Return whether an entry was signed by a key that had no say any more.

        `sealed_in` is the number of its seal, if it has one.
        """
        if not self._retired:
            return False
        id = key_id(signature)
        if id not in self._retired:
            return False
        if sealed_in is not None:
            return sealed_in >= self._first_without.get(id, sealed_in + 1)
        return datetime.now(timezone.utc) > self._retired[id] + KEY_OVERLAP

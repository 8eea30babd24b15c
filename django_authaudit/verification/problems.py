"""What can be wrong with a log, by name."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass
from typing import Any


class Kind(enum.Enum):
    """The classes of what verification finds."""

    EDITED = "edited"
    FORGED = "forged"
    MISSING = "missing"
    DUPLICATED = "duplicated"
    TAIL_CUT = "tail cut"
    SEAL_MISSING = "seal missing"
    SEAL_BROKEN = "seal broken"
    SEALING_STOPPED = "sealing stopped"
    RESTORED = "older backup restored"
    EMPTIED = "table emptied"
    UNRECORDED = "pruned without a record"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that is not as it was written."""

    kind: Kind
    detail: str = ""
    entry: str | None = None
    writer: str | None = None
    first: int | None = None
    last: int | None = None
    time: str | None = None
    """When it happened, as far as the log says: of what is missing, the entry before it."""

    def __str__(self) -> str:
        facts = [self.entry and f"entry {self.entry}", self._place(), self.time]
        where = ", ".join(fact for fact in facts if fact)
        return ": ".join(part for part in (self.kind.value, where, self.detail) if part)

    @property
    def size(self) -> int:
        """How many numbers it is about."""
        return 0 if self.first is None else (self.last or self.first) - self.first + 1

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "kind": self.kind.value}

    def _place(self) -> str:
        if self.first is None:
            return ""
        word = "number" if self.writer else "seal"
        last = "" if self.last in (None, self.first) else f"-{self.last}"
        writer = f"writer {self.writer} " if self.writer else ""
        return f"{writer}{word} {self.first}{last}"

"""Which entries lie in the spool: they are not missing."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress

from django_authaudit import spool
from django_authaudit.integrity.runs import Stretch, ranges

Named = dict[str, list[Stretch]]
"""Numbers by their writer."""
_ALL = (spool.OPEN, spool.CLAIMED, spool.SET_ASIDE)


def spooled(using: str) -> Named:
    """Return the numbers in the spool for the database `using`, those set aside too."""
    database = spool.identity(using)
    numbers: dict[str, list[int]] = defaultdict(list)
    for path in spool.files(using, _ALL):
        # One that is replayed meanwhile is in the table by then.
        with suppress(FileNotFoundError), path.open("rb") as lines:
            for line in lines:
                with suppress(ValueError, TypeError, KeyError, RecursionError):
                    values = json.loads(line)
                    if values["database"] == database:
                        numbers[str(values["writer"])].append(int(values["sequence"]))
    return {writer: [(a, b) for a, b in ranges(found)] for writer, found in numbers.items()}

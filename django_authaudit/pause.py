"""Ask nothing for a while of a database that took long to fail: a circuit breaker."""

from __future__ import annotations

import time

SLOW = 0.25
"""Seconds that a failure may take without a pause after it: what a lock may cost too."""
LENGTH = 10.0
"""Seconds of a pause."""


class Pause:
    """Begun by a slow failure, ended by a success or a quick failure; the state of one process."""

    def __init__(self) -> None:
        self._until = 0.0

    def under_way(self) -> bool:
        """Return whether to do without; when it is over one may try, and the others go on."""
        now = time.monotonic()
        if now < self._until:
            return True
        if self._until:
            self._until = now + LENGTH
        return False

    def follow(self, seconds: float, *, failed: bool) -> None:
        """Begin or end it, after an attempt that took `seconds`."""
        self._until = time.monotonic() + LENGTH if failed and seconds > SLOW else 0.0

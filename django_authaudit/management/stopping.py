"""How a command that works in steps ends between two of them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], object] | int | None


@contextmanager
def stop_when_asked() -> Iterator[list[int]]:
    """Give a list that holds the signal once Ctrl-C or SIGTERM has asked to end.

    So that what was done is known exactly, nothing is broken off; a second signal does what it
    always did. One that the process has a handler of its own for is left to it.
    """
    asked: list[int] = []
    before: dict[int, Handler] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(number, before[number])

    # Python delivers signals to the main thread alone.
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, ask)
    try:
        yield asked
    finally:
        for taken, handler in before.items():
            signal.signal(taken, handler)

"""How far a command is, shown to who sits at the terminal."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

from django.core.management.base import BaseCommand, OutputWrapper

from django_authaudit.management.stopping import stop_when_asked

ERASE_LINE = "\r\x1b[K"
_SHOW_EVERY = 5_000
"""Steps after which the progress is shown."""


def followed(
    steps: Generator[int, None, None], what: str, *, shown: OutputWrapper | None
) -> Iterator[int]:
    """Yield `steps`, each of which says how many are done, until told to stop.

    `shown` is told `what` is counted, and how many. Raises KeyboardInterrupt when told to stop.
    """
    with stop_when_asked() as asked, closing(steps):
        for count in steps:
            yield count
            if shown is not None and count % _SHOW_EVERY == 0:
                show(shown, f"{what}: {count}")
            if asked:
                raise KeyboardInterrupt
    if shown is not None:
        show(shown, "")


def watched(command: BaseCommand, path: Path | None, verbosity: int) -> OutputWrapper | None:
    """Return the standard error if somebody looks at it, and not at what `command` writes there.

    Without a `path` it writes to the standard output.
    """
    is_mixed = path is None and command.stdout.isatty()
    seen = verbosity >= 1 and command.stderr.isatty() and not is_mixed
    return command.stderr if seen else None


def show(shown: OutputWrapper, line: str) -> None:
    """Put `line` in the place of the one before."""
    shown.write(ERASE_LINE + line, style_func=str, ending="")
    shown.flush()

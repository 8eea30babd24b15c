"""Colours, if the terminal shows them, and text that cannot play tricks on it."""

import io
import os
import shutil
import sys

STYLES = {"bold": "1", "faint": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


def prepare() -> None:
    """Make the output take any character, whatever the locale."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace", line_buffering=True)


def is_colourful() -> bool:
    """Tell whether to colour: only on a terminal, and not against the reader's wish (NO_COLOR)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def styled(text: str, *styles: str) -> str:
    """Return the text in colour, or as it is where no colour is wanted."""
    if not is_colourful() or not styles:
        return text
    return f"\033[{';'.join(STYLES[style] for style in styles)}m{text}\033[0m"


def printable(text: str) -> str:
    """Return the text with every control character shown as a dot."""
    return "".join(character if character.isprintable() else "·" for character in text)


def width() -> int | None:
    """Return how many columns the terminal has, or None when there is none to fit."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

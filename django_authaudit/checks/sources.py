"""What is listened to: silent where the project left the choice to us, loud where it chose."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from django_authaudit.checks.values import Check, did_you_mean, is_list_of_strings
from django_authaudit.conf import conf
from django_authaudit.sources import discover


def check_sources_are_a_list(**kwargs: Any) -> Iterator[CheckMessage]:
    """E201: in a string, every part of a word is a member."""
    value = conf.AUTHAUDIT_SOURCES
    if value is not None and not is_list_of_strings(value):
        yield Error(
            f"AUTHAUDIT_SOURCES is {value!r}, neither None nor a list of names.",
            hint="Leave it away to listen to all that is installed, or write a list such as "
            "['login', 'passwords'].",
            id="django_authaudit.E201",
        )


def check_sources_exist(**kwargs: Any) -> Iterator[CheckMessage]:
    """E202: a source with a typo in its name is never heard."""
    known = list(discover())
    for name in _names():
        if name not in known:
            yield Error(
                f"AUTHAUDIT_SOURCES names {name!r}, which is no source.",
                hint=f"The sources are {', '.join(known)}.{did_you_mean(name, known)}",
                id="django_authaudit.E202",
            )


def check_sources_are_installed(**kwargs: Any) -> Iterator[CheckMessage]:
    """E203: what the project asked for by name must be there."""
    for name in _names():
        source = discover().get(name)
        if source is not None and not source.available:
            yield Error(
                f"AUTHAUDIT_SOURCES names {name!r}, but INSTALLED_APPS lacks {source.requires!r}.",
                hint=f"Install the package and add {source.requires!r} to INSTALLED_APPS, or "
                f"remove {name!r}.",
                id="django_authaudit.E203",
            )


def check_there_is_a_source(**kwargs: Any) -> Iterator[CheckMessage]:
    """W012: an empty list listens to nothing."""
    value = conf.AUTHAUDIT_SOURCES
    if is_list_of_strings(value) and not value:
        yield Warning(
            "AUTHAUDIT_SOURCES is empty: only what the project records itself is recorded.",
            hint="Leave it away to listen to all that is installed.",
            id="django_authaudit.W012",
        )


def _names() -> list[str]:
    value = conf.AUTHAUDIT_SOURCES
    return sorted(value) if is_list_of_strings(value) else []


CHECKS: tuple[Check, ...] = (
    check_sources_are_a_list,
    check_sources_exist,
    check_sources_are_installed,
    check_there_is_a_source,
)

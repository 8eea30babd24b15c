"""Where entries go. A sink checks itself; here is only what must hold before it can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from django_authaudit.checks.values import Check, did_you_mean
from django_authaudit.conf import conf
from django_authaudit.sinks import make_sink
from django_authaudit.sinks.base import Sink
from django_authaudit.sinks.database import DatabaseSink

_KEYS = ["BACKEND", "OPTIONS"]
_EXAMPLE = (
    "Write AUTHAUDIT_SINKS = {'database': {'BACKEND': "
    "'django_authaudit.sinks.database.DatabaseSink'}}, or leave it away."
)


def check_sinks_are_a_dict(**kwargs: Any) -> Iterator[CheckMessage]:
    """E101: sinks have names."""
    value: Any = conf.AUTHAUDIT_SINKS
    if not isinstance(value, Mapping):
        yield Error(
            f"AUTHAUDIT_SINKS is of type {type(value).__name__}, not a dict of sinks by name.",
            hint=_EXAMPLE,
            id="django_authaudit.E101",
        )


def check_sinks_name_a_backend(**kwargs: Any) -> Iterator[CheckMessage]:
    """E102: a sink is a dict that names its class."""
    for alias, config in _sinks():
        if not isinstance(config, Mapping) or not isinstance(config.get("BACKEND"), str):
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}] is no dict with the path of a class as its "
                "'BACKEND'.",
                hint=_EXAMPLE,
                id="django_authaudit.E102",
            )


def check_keys_are_known(**kwargs: Any) -> Iterator[CheckMessage]:
    """E103: a key with a typo does nothing."""
    for alias, config in _sinks():
        for key in config if isinstance(config, Mapping) else ():
            if key not in _KEYS:
                yield Error(
                    f"AUTHAUDIT_SINKS[{alias!r}] has the key {key!r}, which does nothing.",
                    hint="A sink has a 'BACKEND' and 'OPTIONS'; what its class takes belongs "
                    f"into the latter.{did_you_mean(str(key), _KEYS)}",
                    id="django_authaudit.E103",
                )


def check_options_are_a_dict(**kwargs: Any) -> Iterator[CheckMessage]:
    """E104: options are keyword arguments."""
    for alias, config in _with_backend():
        options = config.get("OPTIONS", {})
        if not isinstance(options, Mapping):
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}]['OPTIONS'] is of type {type(options).__name__}, not "
                "a dict.",
                hint="Write the keyword arguments of the class as a dict, or leave OPTIONS away.",
                id="django_authaudit.E104",
            )


def check_backends_can_be_imported(**kwargs: Any) -> Iterator[CheckMessage]:
    """E105: a class that is not there stores nothing."""
    for alias, config in _with_backend():
        try:
            import_string(config["BACKEND"])
        except ImportError as error:
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}]['BACKEND'] is {config['BACKEND']!r}, which cannot "
                f"be imported: {error}",
                hint="Correct the path, or install what the sink needs.",
                id="django_authaudit.E105",
            )


def check_backends_are_sinks(**kwargs: Any) -> Iterator[CheckMessage]:
    """E106: anything else has no `emit()` to rely on."""
    for alias, config, backend in _imported():
        if not _is_sink(backend):
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}]['BACKEND'] is {config['BACKEND']!r}, which is no "
                "sink.",
                hint="Derive the class from django_authaudit.sinks.base.Sink.",
                id="django_authaudit.E106",
            )


def check_sinks_check_themselves(**kwargs: Any) -> Iterator[CheckMessage]:
    """E107: the class has to accept its options; the rest it says itself, by ids of its own."""
    for alias, config, _ in _of_sinks():
        try:
            sink = make_sink(alias, config)
        except (ImproperlyConfigured, OSError) as error:
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}] cannot be made with its OPTIONS: {error}",
                hint=f"Correct the OPTIONS; they are the arguments of {config['BACKEND']}.",
                id="django_authaudit.E107",
            )
        else:
            yield from sink.check()


def check_there_is_a_sink(**kwargs: Any) -> Iterator[CheckMessage]:
    """E108: with no sink at all, every entry is lost."""
    value: Any = conf.AUTHAUDIT_SINKS
    if isinstance(value, Mapping) and not value:
        yield Error(
            "AUTHAUDIT_SINKS is empty: nothing is stored.",
            hint=_EXAMPLE,
            id="django_authaudit.E108",
        )


def check_a_sink_fills_the_table(**kwargs: Any) -> Iterator[CheckMessage]:
    """W011: the admin and the commands read the table."""
    backends = [backend for _, _, backend in _of_sinks()]
    if backends and not any(issubclass(backend, DatabaseSink) for backend in backends):
        yield Warning(
            "No sink of AUTHAUDIT_SINKS fills the table of the log: the admin stays empty, and "
            "what a sink refuses is not kept to be tried again.",
            hint="Add {'BACKEND': 'django_authaudit.sinks.database.DatabaseSink'} beside the "
            "others, or silence this check if they are all you want.",
            id="django_authaudit.W011",
        )


def _sinks() -> Iterator[tuple[Any, Any]]:
    value: Any = conf.AUTHAUDIT_SINKS
    if isinstance(value, Mapping):
        yield from value.items()


def _with_backend() -> Iterator[tuple[Any, Mapping[str, Any]]]:
    for alias, config in _sinks():
        if isinstance(config, Mapping) and isinstance(config.get("BACKEND"), str):
            yield alias, config


def _imported() -> Iterator[tuple[Any, Mapping[str, Any], Any]]:
    for alias, config in _with_backend():
        try:
            yield alias, config, import_string(config["BACKEND"])
        except ImportError:
            continue


def _of_sinks() -> Iterator[tuple[Any, Mapping[str, Any], type[Sink]]]:
    for alias, config, backend in _imported():
        if _is_sink(backend) and isinstance(config.get("OPTIONS", {}), Mapping):
            yield alias, config, backend


def _is_sink(backend: Any) -> bool:
    return isinstance(backend, type) and issubclass(backend, Sink)


CHECKS: tuple[Check, ...] = (
    check_sinks_are_a_dict,
    check_sinks_name_a_backend,
    check_keys_are_known,
    check_options_are_a_dict,
    check_backends_can_be_imported,
    check_backends_are_sinks,
    check_sinks_check_themselves,
    check_there_is_a_sink,
    check_a_sink_fills_the_table,
)

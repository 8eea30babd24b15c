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
from django_authaudit.sinks.base import NetworkSink, Sink
from django_authaudit.sinks.database import DatabaseSink

_KEYS = ["BACKEND", "IN_LINE", "OPTIONS"]
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
                    hint="A sink has a 'BACKEND', 'OPTIONS' and 'IN_LINE'; what its class takes "
                    f"belongs into 'OPTIONS'.{did_you_mean(str(key), _KEYS)}",
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


def check_in_line_is_true_or_false(**kwargs: Any) -> Iterator[CheckMessage]:
    """E109: the text "False" would mean the opposite."""
    for alias, config in _with_backend():
        value = config.get("IN_LINE", True)
        if not isinstance(value, bool):
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}]['IN_LINE'] is {value!r}, neither True nor False.",
                hint="Write True to have the sink take entries before the response leaves, False "
                "to have ship_audit_log bring them, or leave it away.",
                id="django_authaudit.E109",
            )


def check_no_request_waits_for_a_network(**kwargs: Any) -> Iterator[CheckMessage]:
    """E110: a receiver that hangs would hang every login."""
    for alias, config, backend in _of_sinks():
        if issubclass(backend, NetworkSink) and config.get("IN_LINE") is True:
            yield Error(
                f"AUTHAUDIT_SINKS[{alias!r}] is in line: every request with an event would wait "
                "for its receiver.",
                hint="Leave IN_LINE away, and have ship_audit_log run.",
                id="django_authaudit.E110",
            )


def check_there_is_something_to_ship(**kwargs: Any) -> Iterator[CheckMessage]:
    """E111: what is shipped is read from the table."""
    in_line, shipped_to = _in_line_and_shipped_to()
    for alias in () if _fill_the_table(in_line) else shipped_to:
        yield Error(
            f"AUTHAUDIT_SINKS[{alias!r}] is fed by ship_audit_log from the table of the log, "
            "which no sink in line fills.",
            hint="Add {'BACKEND': 'django_authaudit.sinks.database.DatabaseSink'}, without "
            "IN_LINE.",
            id="django_authaudit.E111",
        )


def check_a_sink_fills_the_table(**kwargs: Any) -> Iterator[CheckMessage]:
    """W011: the admin and the commands read the table."""
    in_line, shipped_to = _in_line_and_shipped_to()
    # With one that is shipped to, it is E111.
    if in_line and not shipped_to and not _fill_the_table(in_line):
        yield Warning(
            "No sink of AUTHAUDIT_SINKS fills the table of the log: the admin stays empty, and "
            "what a sink refuses is not kept to be tried again.",
            hint="Add {'BACKEND': 'django_authaudit.sinks.database.DatabaseSink'} beside the "
            "others, or silence this check if they are all you want.",
            id="django_authaudit.W011",
        )


def _in_line_and_shipped_to() -> tuple[list[type[Sink]], list[str]]:
    in_line, shipped_to = [], []
    for alias, config, backend in _of_sinks():
        if config.get("IN_LINE", backend.in_line):
            in_line.append(backend)
        else:
            shipped_to.append(alias)
    return in_line, shipped_to


def _fill_the_table(backends: list[type[Sink]]) -> bool:
    return any(issubclass(backend, DatabaseSink) for backend in backends)


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
    check_in_line_is_true_or_false,
    check_no_request_waits_for_a_network,
    check_there_is_something_to_ship,
    check_a_sink_fills_the_table,
)

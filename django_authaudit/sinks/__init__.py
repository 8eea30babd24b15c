"""Where entries go: one module per kind of place, chosen by ``AUTHAUDIT_SINKS``.

A sink is either in line, and takes entries before the response leaves, or it is shipped to:
``ship_audit_log`` brings it what the table holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_authaudit.conf import conf
from django_authaudit.sinks.base import LONGEST_TIMEOUT, NetworkSink, Sink


@lru_cache(maxsize=1)
def get_sinks() -> tuple[Sink, ...]:
    """Return the sinks that are in line, in the order of the setting.

    Raises ImproperlyConfigured, naming the alias, for one that cannot be made, and where there is
    none; a system check says so before.
    """
    made = [make_sink(alias, config) for alias, config in _configured(in_line=True).items()]
    if not made:
        raise ImproperlyConfigured("AUTHAUDIT_SINKS has no sink that takes entries in line.")
    return tuple(made)


def shipped_to() -> Mapping[str, Any]:
    """Return the sinks that ``ship_audit_log`` feeds, not yet made: what the setting has of each.

    Raises ImproperlyConfigured as `get_sinks()` does.
    """
    return _configured(in_line=False)


def make_sink(alias: str, config: Any) -> Sink:
    """Return the sink that `config` describes; raise ImproperlyConfigured if there is none."""
    try:
        sink = import_string(config["BACKEND"])(**config.get("OPTIONS", {}))
    except (ImportError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise _unusable(alias, error) from error
    if not isinstance(sink, Sink):
        raise ImproperlyConfigured(
            f"AUTHAUDIT_SINKS[{alias!r}]: {config['BACKEND']} is no subclass of "
            "django_authaudit.sinks.base.Sink."
        )
    _refuse_numbers(alias, sink)
    return sink


def _refuse_numbers(alias: str, sink: Sink) -> None:
    """Raise ImproperlyConfigured for numbers with which nothing would be shipped, or twice."""
    size: Any = sink.batch_size
    if not isinstance(size, int) or size < 1:
        raise ImproperlyConfigured(
            f"AUTHAUDIT_SINKS[{alias!r}]: batch_size is {size!r}, no number of entries."
        )
    timeout: Any = sink.timeout if isinstance(sink, NetworkSink) else 1
    if not isinstance(timeout, (int, float)) or not timeout > 0:
        raise ImproperlyConfigured(
            f"AUTHAUDIT_SINKS[{alias!r}]: timeout is {timeout!r}, no number of seconds."
        )
    if timeout > LONGEST_TIMEOUT:
        raise ImproperlyConfigured(
            f"AUTHAUDIT_SINKS[{alias!r}]: timeout is {timeout!r} seconds: give at most "
            f"{LONGEST_TIMEOUT:.0f}, or another shipper takes over, and sends a batch again."
        )


def _configured(*, in_line: bool) -> dict[str, Any]:
    configured: Any = conf.AUTHAUDIT_SINKS
    if not isinstance(configured, Mapping) or not configured:
        raise ImproperlyConfigured("AUTHAUDIT_SINKS is no dict of sinks by name, or empty.")
    return {
        alias: config
        for alias, config in configured.items()
        if is_in_line(alias, config) == in_line
    }


def is_in_line(alias: str, config: Any) -> bool:
    """Return whether the sink `alias` takes entries in line; raise ImproperlyConfigured."""
    try:
        default = getattr(import_string(config["BACKEND"]), "in_line", True)
        return bool(config.get("IN_LINE", default))
    except (ImportError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise _unusable(alias, error) from error


def _unusable(alias: str, error: Exception) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"AUTHAUDIT_SINKS[{alias!r}]: {type(error).__name__}: {error}")


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "AUTHAUDIT_SINKS":
        get_sinks.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_authaudit.sinks._forget")

"""Where entries go: one module per kind of place, chosen by ``AUTHAUDIT_SINKS``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from django_authaudit.conf import conf
from django_authaudit.sinks.base import Sink


@lru_cache(maxsize=1)
def get_sinks() -> tuple[Sink, ...]:
    """Return the configured sinks in the order of the setting.

    Raises ImproperlyConfigured, naming the alias, for one that cannot be made; a system check
    says so before.
    """
    configured: Any = conf.AUTHAUDIT_SINKS
    if not isinstance(configured, Mapping) or not configured:
        raise ImproperlyConfigured("AUTHAUDIT_SINKS is no dict of sinks by name, or empty.")
    return tuple(make_sink(alias, config) for alias, config in configured.items())


def make_sink(alias: str, config: Any) -> Sink:
    """Return the sink that `config` describes; raise ImproperlyConfigured if there is none."""
    try:
        sink = import_string(config["BACKEND"])(**config.get("OPTIONS", {}))
    except (ImportError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ImproperlyConfigured(
            f"AUTHAUDIT_SINKS[{alias!r}]: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(sink, Sink):
        raise ImproperlyConfigured(
            f"AUTHAUDIT_SINKS[{alias!r}]: {config['BACKEND']} is no subclass of "
            "django_authaudit.sinks.base.Sink."
        )
    return sink


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting == "AUTHAUDIT_SINKS":
        get_sinks.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_authaudit.sinks._forget")

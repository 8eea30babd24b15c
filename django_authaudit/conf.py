"""The settings of the package, read live so that ``override_settings`` works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

DEFAULT_SINKS: Mapping[str, Mapping[str, Any]] = {
    "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
}


class Settings:
    """Every ``AUTHAUDIT_*`` setting under its full name, with its default."""

    @property
    def AUTHAUDIT_DATABASE(self) -> str | None:
        """Alias of the database that holds the log; None: what the routers say."""
        return getattr(settings, "AUTHAUDIT_DATABASE", None)

    @property
    def AUTHAUDIT_MINIMUM_RETENTION_DAYS(self) -> int:
        """Days below which pruning refuses to work."""
        return getattr(settings, "AUTHAUDIT_MINIMUM_RETENTION_DAYS", 1)

    @property
    def AUTHAUDIT_RETENTION(self) -> Mapping[str, int | None]:
        """Days that entries are kept whose event begins like the key; None: for good."""
        return getattr(settings, "AUTHAUDIT_RETENTION", {})

    @property
    def AUTHAUDIT_RETENTION_DAYS(self) -> int:
        """Days that an entry is kept (90: the specification's minimum)."""
        return getattr(settings, "AUTHAUDIT_RETENTION_DAYS", 90)

    @property
    def AUTHAUDIT_SEAL_HOURS(self) -> int:
        """Hours after which a log without a new seal counts as sealed no longer."""
        return getattr(settings, "AUTHAUDIT_SEAL_HOURS", 25)

    @property
    def AUTHAUDIT_SEAL_KEY(self) -> str | None:
        """The Ed25519 private key that signs the seals too, as PEM; None: there is none."""
        return getattr(settings, "AUTHAUDIT_SEAL_KEY", None)

    @property
    def AUTHAUDIT_SERVICE_NAME(self) -> str | None:
        """What the site is called in exported entries; None: the settings module's package."""
        return getattr(settings, "AUTHAUDIT_SERVICE_NAME", None)

    @property
    def AUTHAUDIT_SIGNING_KEYS(self) -> Mapping[str, str | bytes] | None:
        """Secrets by the ids of their keys: the first signs, all verify; None: SECRET_KEY's."""
        return getattr(settings, "AUTHAUDIT_SIGNING_KEYS", None)

    @property
    def AUTHAUDIT_SINKS(self) -> Mapping[str, Mapping[str, Any]]:
        """Where entries go: ``{alias: {"BACKEND": path, "OPTIONS": {...}}}``."""
        return getattr(settings, "AUTHAUDIT_SINKS", DEFAULT_SINKS)

    @property
    def AUTHAUDIT_SOURCES(self) -> Sequence[str] | None:
        """Names of the sources to connect; None: all whose package is installed."""
        return getattr(settings, "AUTHAUDIT_SOURCES", None)

    @property
    def AUTHAUDIT_SPOOL_DIR(self) -> str | None:
        """Folder of the spool; None: a private folder below the user's state folder."""
        return getattr(settings, "AUTHAUDIT_SPOOL_DIR", None)

    @property
    def AUTHAUDIT_TRACK_QUERYSET_UPDATES(self) -> bool:
        """Whether ``QuerySet.update()`` of tracked user columns is compared row by row."""
        return getattr(settings, "AUTHAUDIT_TRACK_QUERYSET_UPDATES", False)

    @property
    def AUTHAUDIT_TRUSTED_PROXIES(self) -> Sequence[str]:
        """Networks of the proxies whose X-Forwarded-For counts, and ``"unix"`` for sockets."""
        return getattr(settings, "AUTHAUDIT_TRUSTED_PROXIES", ())


conf = Settings()

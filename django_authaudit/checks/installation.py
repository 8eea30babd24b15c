"""Whether the package sits where it has to: apps, middleware, database, this version of Django."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.db import connections, router
from django.utils.module_loading import import_string

from django_authaudit.checks.values import Check, did_you_mean
from django_authaudit.conf import conf
from django_authaudit.middleware import AuditMiddleware

MIDDLEWARE = "django_authaudit.middleware.AuditMiddleware"
_PREFIXES = ("AUTHAUDIT", "AUTH_AUDIT_", "DJANGO_AUTHAUDIT_")


def check_auth_is_installed(**kwargs: Any) -> Iterator[CheckMessage]:
    """E001: without Django's accounts there is nothing to listen to."""
    if not apps.is_installed("django.contrib.auth"):
        yield Error(
            "INSTALLED_APPS lacks 'django.contrib.auth', so no login, role or account is "
            "recorded.",
            hint="Add 'django.contrib.auth' to INSTALLED_APPS.",
            id="django_authaudit.E001",
        )


def check_database_is_an_alias(**kwargs: Any) -> Iterator[CheckMessage]:
    """E002: a database is named by its alias."""
    value: Any = conf.AUTHAUDIT_DATABASE
    if not isinstance(value, (str, type(None))):
        # The value itself may hold a password.
        yield Error(
            f"AUTHAUDIT_DATABASE is of type {type(value).__name__}, not the alias of a database.",
            hint="Set it to a key of DATABASES such as 'audit', or to None.",
            id="django_authaudit.E002",
        )


def check_database_exists(**kwargs: Any) -> Iterator[CheckMessage]:
    """E003: the alias has to be configured."""
    alias = conf.AUTHAUDIT_DATABASE
    if isinstance(alias, str) and alias not in connections:
        yield Error(
            f"AUTHAUDIT_DATABASE is {alias!r}, which is no key of DATABASES. The log is kept in "
            "the default database meanwhile.",
            hint=f"Add {alias!r} to DATABASES or correct the name."
            f"{did_you_mean(alias, list(connections))}",
            id="django_authaudit.E003",
        )


def check_database_is_routed(**kwargs: Any) -> Iterator[CheckMessage]:
    """E004: what is written to one database must be read from there, and its table made there."""
    alias = conf.AUTHAUDIT_DATABASE
    if isinstance(alias, str) and alias in connections and not _is_routed_to(alias):
        yield Error(
            f"AUTHAUDIT_DATABASE is {alias!r}, but DATABASE_ROUTERS does not lead the log there: "
            "its table is made, and entries are looked for, in another database.",
            hint="Add 'django_authaudit.routers.AuditRouter' to DATABASE_ROUTERS, before any "
            "router that answers for every app.",
            id="django_authaudit.E004",
        )


def _is_routed_to(alias: str) -> bool:
    from django_authaudit.models import AuditLog

    return (
        router.db_for_read(AuditLog) == alias
        and router.db_for_write(AuditLog) == alias
        and router.allow_migrate_model(alias, AuditLog)
    )


def check_queryset_updates_is_a_switch(**kwargs: Any) -> Iterator[CheckMessage]:
    """E008: the text 'False' would switch it on."""
    value: Any = conf.AUTHAUDIT_TRACK_QUERYSET_UPDATES
    if not isinstance(value, bool):
        yield Error(
            f"AUTHAUDIT_TRACK_QUERYSET_UPDATES is {value!r}, neither True nor False.",
            hint="Set it to True or False; a value from the environment is text and needs to be "
            "compared, as in os.environ.get('...') == '1'.",
            id="django_authaudit.E008",
        )


def check_service_has_a_name(**kwargs: Any) -> Iterator[CheckMessage]:
    """E014: whoever reads the logs of many sites goes by it."""
    value: Any = conf.AUTHAUDIT_SERVICE_NAME
    if value is not None and (not isinstance(value, str) or not value.strip()):
        yield Error(
            f"AUTHAUDIT_SERVICE_NAME is {value!r}, no name of a site.",
            hint="Set it to a string such as 'shop', or to None for the first part of the "
            "settings module.",
            id="django_authaudit.E014",
        )


def check_middleware_is_there(**kwargs: Any) -> Iterator[CheckMessage]:
    """W001: what only the middleware can see is missed without it."""
    if not any(map(_is_ours, settings.MIDDLEWARE)):
        yield Warning(
            f"MIDDLEWARE lacks {MIDDLEWARE!r}: refused requests (401, 403, 429) and refused "
            "reset links are not recorded, and entries are written inside the view's work "
            "instead of after it.",
            hint=f"Put {MIDDLEWARE!r} first in MIDDLEWARE.",
            id="django_authaudit.W001",
        )


def check_middleware_is_first(**kwargs: Any) -> Iterator[CheckMessage]:
    """W002: what stands before it, it neither sees nor outlasts."""
    before = next((i for i, path in enumerate(settings.MIDDLEWARE) if _is_ours(path)), 0)
    if before:
        yield Warning(
            f"{settings.MIDDLEWARE[before]!r} is not the first of MIDDLEWARE: what "
            f"{', '.join(map(repr, settings.MIDDLEWARE[:before]))} refuses or records is missed.",
            hint=f"Move {settings.MIDDLEWARE[before]!r} to the top of MIDDLEWARE.",
            id="django_authaudit.W002",
        )


def _is_ours(path: str) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        # Django says so itself when it loads the middleware.
        return False
    return isinstance(found, type) and issubclass(found, AuditMiddleware)


def check_settings_are_known(**kwargs: Any) -> Iterator[CheckMessage]:
    """W003: a setting with a typo in its name does nothing."""
    known = [name for name in dir(type(conf)) if name.isupper()]
    for name in dir(settings):
        if name.startswith(_PREFIXES) and name not in known:
            yield Warning(
                f"{name} is no setting of django_authaudit and does nothing.",
                hint=f"Correct its name or remove it.{did_you_mean(name, known)}",
                id="django_authaudit.W003",
            )


CHECKS: tuple[Check, ...] = (
    check_auth_is_installed,
    check_database_is_an_alias,
    check_database_exists,
    check_database_is_routed,
    check_queryset_updates_is_a_switch,
    check_service_has_a_name,
    check_middleware_is_there,
    check_middleware_is_first,
    check_settings_are_known,
)

"""Leads the log to a database of its own.

``AUTHAUDIT_DATABASE`` names it::

    DATABASES = {"default": {...}, "audit": {...}}
    AUTHAUDIT_DATABASE = "audit"
    DATABASE_ROUTERS = ["django_authaudit.routers.AuditRouter"]

and ``manage.py migrate django_authaudit --database audit`` makes the table there.
"""

from __future__ import annotations

from typing import Any

from django.db import connections, router
from django.db.models import Model

from django_authaudit.conf import conf

APP_LABEL = "django_authaudit"


class AuditRouter:
    """Answers for the models of the log alone, and only where ``AUTHAUDIT_DATABASE`` is set."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        """Return the database of the log; for accounts reached from an entry, their own.

        Django would look for ``entry.user`` where the entry is.
        """
        if _is_ours(model):
            return _alias()
        if _alias() is not None and _is_ours(type(hints.get("instance"))):
            return router.db_for_read(model)
        return None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        """Return the database of the log."""
        return _alias() if _is_ours(model) else None

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool | None:
        """Allow an entry to name an account of another database: no constraint ties them."""
        if _alias() is not None and (_is_ours(type(obj1)) or _is_ours(type(obj2))):
            return True
        return None

    def allow_migrate(
        self, db: str, app_label: str, model_name: str | None = None, **hints: Any
    ) -> bool | None:
        """Make the tables of the log in its database, and nowhere else."""
        alias = _alias()
        if app_label != APP_LABEL or alias is None:
            return None
        return db == alias


def _alias() -> str | None:
    """Return the configured alias; one that ``DATABASES`` lacks counts as unset.

    A system check says so; meanwhile entries go to the default database rather than nowhere.
    """
    alias = conf.AUTHAUDIT_DATABASE
    return alias if isinstance(alias, str) and alias in connections else None


def _is_ours(model: type) -> bool:
    meta = getattr(model, "_meta", None)
    return getattr(meta, "app_label", None) == APP_LABEL

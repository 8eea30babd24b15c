"""What is wrong with a project's settings, said before it costs an entry.

``E0xx`` are errors of settings, ``E1xx`` of sinks, ``E2xx`` of sources, ``W`` is advice. No id
is ever used for two mistakes. Nothing here queries a database or makes a file.
"""

from __future__ import annotations

from django.core.checks import Tags, register

from django_authaudit.checks import (
    databases,
    installation,
    integrity,
    proxies,
    retention,
    sinks,
    sources,
    spool,
    wrapped,
)

TAG = "django_authaudit"
"""``manage.py check --tag django_authaudit`` runs these checks alone."""

CHECKS = (
    *databases.CHECKS,
    *installation.CHECKS,
    *integrity.CHECKS,
    *proxies.CHECKS,
    *retention.CHECKS,
    *sinks.CHECKS,
    *sources.CHECKS,
    *spool.CHECKS,
    *wrapped.CHECKS,
)


def register_all() -> None:
    """Bind every check to ``manage.py check``; a second call adds nothing."""
    for check in CHECKS:
        register(check, TAG, Tags.security)

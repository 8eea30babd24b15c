"""How the log is kept: where, for how long, and what would be noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission, PermissionsMixin
from django.db.models import Q

from django_authaudit import events, hardening
from django_authaudit.conf import conf
from django_authaudit.entry import time_of
from django_authaudit.models import AuditLog
from django_authaudit.querysets import readable
from django_authaudit.sinks import shipped_to

MOST_READERS = 50


@dataclass(frozen=True)
class Protection:
    """What keeps entries from being lost, changed, or read by everybody."""

    database: str
    """Alias of the database that holds the log."""
    retention_days: Mapping[str, int | None]
    """Days that entries are kept, by the beginning of their event; "" for all others."""
    archived: bool
    """Whether the last pruning wrote an archive of what it took."""
    sinks: tuple[str, ...]
    """Aliases of the sinks that entries are shipped to."""
    append_only: bool
    """Whether triggers refuse to change and delete entries."""
    verified: datetime | None
    """When the log was last verified and nothing was found."""
    tampering: datetime | None
    """When a verification last found something."""
    readers: tuple[str, ...]
    """Active accounts that may read the log in the admin, the first of them by name."""
    reader_count: int


def collect(*, using: str) -> Protection:
    """Return how the log in the database `using` is kept."""
    log = AuditLog.objects.using(using).order_by("-id")
    with readable():
        pruned = log.of_event(events.AUDIT_PRUNED).values_list("metadata", flat=True).first() or {}
        archived = bool(pruned.get("archive"))
        verified = log.of_event(events.AUDIT_VERIFIED).filter(outcome=events.SUCCESS).first()
        tampering = log.of_event(events.AUDIT_TAMPERING_DETECTED).first()
    readers = _readers()
    return Protection(
        database=using,
        retention_days={"": conf.AUTHAUDIT_RETENTION_DAYS, **conf.AUTHAUDIT_RETENTION},
        archived=archived,
        sinks=tuple(shipped_to()),
        append_only=_is_append_only(using),
        verified=time_of(verified.id) if verified else None,
        tampering=time_of(tampering.id) if tampering else None,
        readers=readers[:MOST_READERS],
        reader_count=len(readers),
    )


def _is_append_only(using: str) -> bool:
    try:
        return not hardening.gaps(using)
    except hardening.HardeningError:
        return False


def _readers() -> tuple[str, ...]:
    """Return the names of those whom the admin lets in: staff, by a permission or superusers."""
    user_model: Any = get_user_model()
    if not issubclass(user_model, PermissionsMixin):
        return ()
    label = AuditLog._meta.app_label
    view = Permission.objects.filter(content_type__app_label=label, codename="view_auditlog")
    may = Q(is_superuser=True) | Q(user_permissions__in=view) | Q(groups__permissions__in=view)
    people = user_model._default_manager.filter(may).distinct()
    return tuple(
        sorted(
            person.get_username()
            for person in people.iterator()
            if person.is_active and getattr(person, "is_staff", False)
        )
    )

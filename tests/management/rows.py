"""Entries of long ago, which no recorder would make."""

from datetime import datetime, timedelta, timezone
from uuid import UUID

from django_authaudit.entry import first_id_at
from django_authaudit.models import AuditLog

MILLISECOND = timedelta(milliseconds=1)


def days_ago(days):
    return datetime.now(timezone.utc) - timedelta(days=days)


def row_at(moment, number=0):
    """Return an entry of `moment`, not yet stored; `number` tells those of one moment apart."""
    id = UUID(int=first_id_at(moment).int + number)
    return AuditLog(id=id, event="auth.logout", outcome="success", created_at=moment)


def store(count, oldest, *, step=MILLISECOND, using="default"):
    """Store `count` entries, the first of the moment `oldest`, and return them."""
    rows = [row_at(oldest + number * step) for number in range(count)]
    return AuditLog.objects.using(using).bulk_create(rows)

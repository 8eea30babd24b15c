"""That somebody looked is an entry, too (PCI DSS 10.2.1.3)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from django_authaudit import events, recorder
from django_authaudit.entry import first_id_at
from django_authaudit.models import AuditLog
from django_authaudit.tracks import Span, Track

ONCE_IN = timedelta(minutes=15)
"""A viewer's looks at one object within this time are one entry."""
_MOST_LOOKS = 500


def record_view(request: HttpRequest, kind: str, value: Any = "") -> None:
    """Record that the signed-in user looks at `value`, unless that was recorded just now."""
    seen = {"kind": kind, "name": str(value)} if value != "" else {"kind": kind}
    if seen not in _seen_by(request.user):
        recorder.record(events.AUDIT_VIEWED, request=request, metadata={"viewed": seen})


def _seen_by(viewer: Any) -> list[Any]:
    span = Span(first_id_at(timezone.now() - ONCE_IN))
    recent = Track("actor_id", viewer.pk).newest(AuditLog.objects.all(), span)
    looks = recent.values_list("event", "metadata")[:_MOST_LOOKS]
    return [facts.get("viewed") for event, facts in looks if event == events.AUDIT_VIEWED]

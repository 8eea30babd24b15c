"""Legal holds: what they cover stays until they are released, whatever its age."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from django_authaudit import events, hardening
from django_authaudit.entry import LIMITS, first_id_at
from django_authaudit.exceptions import AuthAuditError
from django_authaudit.models import AuditHold
from django_authaudit.people import Person
from django_authaudit.querysets import AuditLogQuerySet
from django_authaudit.recorder import record

OPERATOR_LIMIT = LIMITS["username"]


class HoldError(AuthAuditError):
    """Raised for a hold that holds nothing, and for what a hold forbids."""


def hold(
    *,
    reason: str,
    operator: str,
    using: str,
    person: Person | None = None,
    ip_address: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> AuditHold:
    """Keep the entries that have all that is given; record and return the hold.

    `operator` is who holds them. Raises HoldError without a reason, for nothing given and for a
    period that ends before it begins.
    """
    if not reason.strip():
        raise HoldError("A hold needs a reason.")
    if person is None and ip_address is None and since is None and until is None:
        raise HoldError("Say what to hold: a user, an address or a period.")
    if since is not None and until is not None and since >= until:
        raise HoldError("The period ends before it begins.")
    made = AuditHold.objects.using(using).create(
        user_id=person.key if person else None,
        username=person.name if person else "",
        email=person.email if person else "",
        ip_address=ip_address,
        since=_stored(since),
        until=_stored(until),
        created_at=timezone.now(),
        reason=reason,
        held_by=operator[:OPERATOR_LIMIT],
    )
    _record(events.AUDIT_HELD, made, operator, using)
    return made


def release(number: int, *, operator: str, using: str) -> AuditHold:
    """End the hold of that number; record and return it. Raises HoldError for none in force."""
    with transaction.atomic(using=using), hardening.permitted(hardening.UPDATE, using):
        ended = (
            active(using)
            .filter(pk=number)
            .update(released_at=timezone.now(), released_by=operator[:OPERATOR_LIMIT])
        )
    if not ended:
        raise HoldError(f"No hold {number} is in force.")
    released = AuditHold.objects.using(using).get(pk=number)
    _record(events.AUDIT_HOLD_RELEASED, released, operator, using)
    return released


def active(using: str) -> Any:
    """Return the holds in force, oldest first."""
    return AuditHold.objects.using(using).filter(released_at=None).order_by("pk")


def held(entries: AuditLogQuerySet, holds: Iterable[AuditHold]) -> AuditLogQuerySet:
    """Return those of `entries` that `holds` cover."""
    return entries.filter(_covered(holds))


def not_held(entries: AuditLogQuerySet) -> AuditLogQuerySet:
    """Return those of `entries` that no hold covers that is in force now."""
    holds = list(active(entries.db))
    return entries.exclude(_covered(holds)) if holds else entries


def _covered(holds: Iterable[AuditHold]) -> Q:
    condition = Q(pk__in=[])
    for each in holds:
        condition |= _covered_by(each)
    return condition


def _covered_by(each: AuditHold) -> Q:
    condition = Q()
    if each.username or each.user_id is not None:
        # Rather too much than too little: whoever bore the name is held too.
        named = Q(username=each.username) | Q(actor_username=each.username)
        person = named if each.username else Q()
        if each.email:
            person |= Q(email=each.email)
        if each.user_id is not None:
            person |= Q(user_id=each.user_id) | Q(actor_id=each.user_id)
        condition &= person
    if each.ip_address is not None:
        condition &= Q(ip_address=each.ip_address)
    if each.since is not None:
        condition &= Q(pk__gte=first_id_at(_aware(each.since)))
    if each.until is not None:
        condition &= Q(pk__lt=first_id_at(_aware(each.until)))
    return condition


def _record(event: str, each: AuditHold, operator: str, using: str) -> None:
    facts = {
        "hold": each.pk,
        "reason": each.reason,
        "operator": operator,
        "address": each.ip_address,
        "since": each.since and each.since.isoformat(),
        "until": each.until and each.until.isoformat(),
        "database": using,
    }
    accounts = get_user_model()._base_manager
    record(
        event,
        user=None if each.user_id is None else accounts.filter(pk=each.user_id).first(),
        username=each.username,
        metadata={key: value for key, value in facts.items() if value is not None},
    )


def _stored(moment: datetime | None) -> datetime | None:
    """Return a time as the project keeps times."""
    if moment is not None and not settings.USE_TZ:
        return timezone.make_naive(moment, timezone.get_default_timezone())
    return moment


def _aware(moment: datetime) -> datetime:
    if timezone.is_naive(moment):
        return timezone.make_aware(moment, timezone.get_default_timezone())
    return moment

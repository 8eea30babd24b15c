"""Whose entries are meant, when somebody is named by what a person types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Q

from django_authaudit.events import ACCOUNT_DELETED
from django_authaudit.exceptions import PersonError
from django_authaudit.models import AuditLog
from django_authaudit.querysets import AuditLogQuerySet


@dataclass(frozen=True)
class Person:
    """One account, that exists or did, as the log may know it."""

    keys: frozenset[Any]
    names: frozenset[str]
    """What stands as user name where somebody failed to sign in: e-mail addresses as well."""
    account: Any = None

    def among(self, entries: AuditLogQuerySet) -> AuditLogQuerySet:
        """Return those of `entries` that concern the person, or that the person caused.

        A name counts where the entry has no account: that of another may have the same name, or
        may have had it before.
        """
        named = Q(username__in=self.names) | Q(email__in=self.names)
        return entries.filter(
            Q(user_id__in=self.keys)
            | Q(actor_id__in=self.keys)
            | Q(user_id=None) & named
            | Q(actor_id=None, actor_username__in=self.names)
        )


def find_person(text: str, *, using: str) -> Person:
    """Return who is called `text`: a user name, an e-mail address or a key, in this order.

    An account that was deleted is known by its entry in the log, which is in the database
    `using`; whom nobody knows is looked for by that name. Raises PersonError when several
    accounts have the e-mail address.
    """
    account = _by_name(text) or _by_email(text) or _by_key(text)
    if account is not None:
        names = {account.get_username(), _email_of(account)} - {""}
        return Person(frozenset({account.pk}), frozenset(names | _lower(names)), account)
    key = _key(text)
    keys = {key} if key is not None else set()
    names = {text}
    called = Q(username=text) | Q(email=text) | Q(user_id__in=keys)
    deleted = AuditLog.objects.using(using).of_event(ACCOUNT_DELETED).filter(called)
    for found, name, email in deleted.values_list("user_id", "username", "email"):
        keys.add(found)
        names |= {name, email} - {""}
    return Person(frozenset(keys - {None}), frozenset(names | _lower(names)))


def _by_name(text: str) -> Any:
    try:
        return get_user_model()._default_manager.get_by_natural_key(text)
    except ObjectDoesNotExist:
        return None


def _by_email(text: str) -> Any:
    model = get_user_model()
    field = getattr(model, "EMAIL_FIELD", None)
    if not field or "@" not in text:
        return None
    found = list(model._base_manager.filter(**{f"{field}__iexact": text})[:2])
    if len(found) > 1:
        raise PersonError(f"Several accounts have the e-mail address {text}: name one of them.")
    return found[0] if found else None


def _by_key(text: str) -> Any:
    key = _key(text)
    return get_user_model()._base_manager.filter(pk=key).first() if key is not None else None


def _key(text: str) -> Any:
    """Return the key that `text` can be, or None."""
    field = get_user_model()._meta.pk
    try:
        return field.clean(text, None)
    except ValidationError:
        return None


def _email_of(account: Any) -> str:
    field = getattr(account, "EMAIL_FIELD", None)
    return str(getattr(account, field, "") or "") if field else ""


def _lower(names: set[str]) -> set[str]:
    return {name.lower() for name in names if "@" in name}

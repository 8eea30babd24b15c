"""Whose entries: an account that there is or was, or a name that was only ever typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Q

from django_authaudit.entry import Entry
from django_authaudit.exceptions import PersonError
from django_authaudit.lookups import email_field
from django_authaudit.querysets import AuditLogQuerySet

NOBODY = "Neither an account nor an entry is known by {!r}."
SEVERAL = "Several accounts were named {!r}, and none of them is left: give the key of one."


@dataclass(frozen=True)
class Person:
    """Somebody whom the log names; without a `key`, a name that is no account's."""

    key: Any
    name: str
    email: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What stands for the person where there is no account."""
        # Whoever fails to sign in may have typed the e-mail address as a user name.
        return frozenset({self.name, self.email, self.email.lower()} - {""})

    def among(self, entries: AuditLogQuerySet) -> AuditLogQuerySet:
        """Return those of `entries` that concern the person, or that the person caused.

        A name counts where the entry has no account: that of another may have the same name, or
        may have had it before.
        """
        names = self.names
        condition = Q(user__isnull=True) & (Q(username__in=names) | Q(email__in=names))
        if self.key is not None:
            condition |= Q(user_id=self.key)
        return entries.filter(condition | self._caused())

    def behind(self, entries: AuditLogQuerySet) -> AuditLogQuerySet:
        """Return those of `entries` that the person caused, by the same rule."""
        return entries.filter(self._caused())

    def _caused(self) -> Q:
        condition = Q(actor__isnull=True, actor_username__in=self.names)
        return condition if self.key is None else condition | Q(actor_id=self.key)

    def is_concerned_by(self, entry: Entry) -> bool:
        """Return whether `entry` concerns the person, by the same rule."""
        if entry.user_id is not None:
            return self._has_key(entry.user_id)
        return not self.names.isdisjoint((entry.username, entry.email))

    def is_behind(self, entry: Entry) -> bool:
        """Return whether the person caused `entry`, by the same rule."""
        if entry.actor_id is not None:
            return self._has_key(entry.actor_id)
        return entry.actor_username in self.names

    def _has_key(self, key: Any) -> bool:
        # In JSON, a key that is no number is text.
        return self.key is not None and str(key) == str(self.key)


def find_person(text: str, entries: AuditLogQuerySet) -> Person:
    """Return who is meant by `text`: the name, the e-mail address or the key of an account.

    Accounts that are gone are found in `entries`. Raises PersonError for nobody, for a name that
    several accounts had of which none is left, and for an address that several accounts have.
    """
    account = _account(text)
    if account is not None:
        return account
    named = entries.filter(username=text)
    keys = set(named.exclude(user__isnull=True).values_list("user_id", flat=True).distinct()[:2])
    if len(keys) > 1:
        raise PersonError(SEVERAL.format(text))
    if keys or named.exists():
        return _remembered(keys.pop(), text, entries) if keys else Person(None, text)
    key: Any = _key(text)
    last = entries.filter(user_id=key).order_by("-pk").first() if key is not None else None
    if last is None:
        raise PersonError(NOBODY.format(text))
    return Person(key, last.username, last.email)


def _remembered(key: Any, name: str, entries: AuditLogQuerySet) -> Person:
    emails = entries.filter(user_id=key, username=name).order_by("-pk")
    return Person(key, name, emails.values_list("email", flat=True).first() or "")


def _account(text: str) -> Person | None:
    accounts: Any = get_user_model()._base_manager
    found = accounts.filter(**{get_user_model().USERNAME_FIELD: text}).first()
    email = email_field()
    if found is None and email and "@" in text:
        found = _only(text, accounts.filter(**{f"{email}__iexact": text}))
    if found is None and (key := _key(text)) is not None:
        found = accounts.filter(pk=key).first()
    if found is None:
        return None
    return Person(found.pk, found.get_username(), getattr(found, email) or "" if email else "")


def _only(address: str, accounts: Any) -> Any:
    found = list(accounts[:2])
    if len(found) > 1:
        raise PersonError(
            f"Several accounts have the e-mail address {address!r}: give the name of one."
        )
    return found[0] if found else None


def _key(text: str) -> Any:
    try:
        return get_user_model()._meta.pk.to_python(text)
    except (ValidationError, ObjectDoesNotExist):
        return None

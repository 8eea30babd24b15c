"""Whose entries: an account that there is or was, or a name that was only ever typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist, ValidationError

from django_authaudit.exceptions import AuthAuditError
from django_authaudit.lookups import email_field
from django_authaudit.querysets import AuditLogQuerySet


class PersonError(AuthAuditError):
    """Raised when it is not clear who is meant."""


@dataclass(frozen=True)
class Person:
    """Somebody whom the log names; without a `key`, a name that is no account's."""

    key: Any
    name: str
    email: str = ""


def find_person(text: str, entries: AuditLogQuerySet) -> Person:
    """Return who is meant by `text`: the name of an account or, failing that, its key.

    Accounts that are gone are found in `entries`. Raises PersonError for nobody, and for a name
    that several accounts had of which none is left.
    """
    account = _account(text)
    if account is not None:
        return account
    named = entries.filter(username=text)
    keys = set(named.exclude(user_id=None).values_list("user_id", flat=True).distinct()[:2])
    if len(keys) > 1:
        raise PersonError(
            f"Several accounts were named {text!r}, and none of them is left: give the key of one."
        )
    if keys or named.exists():
        return Person(keys.pop() if keys else None, text)
    key: Any = _key(text)
    last = entries.filter(user_id=key).order_by("-pk").first() if key is not None else None
    if last is None:
        raise PersonError(f"Neither an account nor an entry is known by {text!r}.")
    return Person(key, last.username)


def _account(text: str) -> Person | None:
    accounts: Any = get_user_model()._base_manager
    found = accounts.filter(**{get_user_model().USERNAME_FIELD: text}).first()
    if found is None and (key := _key(text)) is not None:
        found = accounts.filter(pk=key).first()
    if found is None:
        return None
    email = email_field()
    return Person(found.pk, found.get_username(), getattr(found, email) or "" if email else "")


def _key(text: str) -> Any:
    try:
        return get_user_model()._meta.pk.to_python(text)
    except (ValidationError, ObjectDoesNotExist):
        return None

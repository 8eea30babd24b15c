"""Find the account behind what was typed, at the flush and with the same work for every name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import (
    FieldDoesNotExist,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    ValidationError,
)
from django.core.validators import validate_email
from django.db import router
from django.utils.crypto import salted_hmac

from django_authaudit.cleaning import MASK
from django_authaudit.drafts import Draft
from django_authaudit.transactions import savepoint

_IDENTIFIERS = ("username", "email", "login", "phone", "remote_user")
_LONGEST_LOOK_UP = 1_000


def identifier(credentials: Mapping[str, Any]) -> tuple[str, str]:
    """Return what was typed as the name, and as the e-mail address, in `credentials`.

    Read by an allow-list: Django masks six words in the keys, and tickets, codes and whole SAML
    assertions pass.
    """
    values = {str(getattr(key, "value", key)): value for key, value in credentials.items()}
    names = (str(get_user_model().USERNAME_FIELD), *_IDENTIFIERS)
    typed = next((values[name] for name in names if values.get(name)), "")
    return str(typed), str(values.get("email") or "")


def find_account(name: str, email: str = "") -> Any:
    """Return the account named `name`, or the only one with `email`; None for none or many."""
    found = _by_name(name) if _can_be_looked_up(name) else None
    by_email = _by_email(email) if _can_be_looked_up(email) else None
    return found or by_email


def mask_unless_a_name(draft: Draft) -> None:
    """Mask what was typed as a name if no account could be named so: it may be a password.

    The same goes for an address. A keyed hash of the name remains, by which two attempts can be
    compared (CWE-532).
    """
    typed = draft.username
    if draft.email and not _could_be_an_address(draft.email):
        draft.email = MASK
    if not typed or _could_be_a_name(typed):
        return
    draft.username = MASK
    digest = salted_hmac("django_authaudit.username", typed, algorithm="sha256").hexdigest()
    draft.metadata["username_hash"] = digest[:32]
    limit = _name_field().max_length
    if limit and len(typed) > limit:
        draft.metadata["truncated"] = {"username": len(typed)}


def email_field() -> str:
    """Return the name of the user model's column of e-mail addresses, or nothing."""
    user_model: Any = get_user_model()
    name = str(getattr(user_model, "EMAIL_FIELD", "email"))
    return name if is_column(user_model, name) else ""


def is_column(model: Any, name: str) -> bool:
    """Return whether `model` stores a field of that name."""
    try:
        return bool(model._meta.get_field(name).concrete)
    except FieldDoesNotExist:
        return False


def role_fields(user_model: Any) -> Iterator[Any]:
    """Yield the many-to-many fields that give an account its groups and permissions."""
    from django.contrib.auth.models import Group, Permission

    for field in user_model._meta.many_to_many:
        if issubclass(field.remote_field.model, (Group, Permission)):
            yield field


def role_of(thing: Any) -> dict[str, str]:
    """Return how a group or a permission stands in ``metadata.role``."""
    from django.contrib.auth.models import Permission

    if isinstance(thing, Permission):
        name = f"{thing.content_type.app_label}.{thing.codename}"
        return {"kind": "permission", "name": name}
    return {"kind": "group", "name": str(getattr(thing, "name", thing))}


FLAGS = ("is_staff", "is_superuser")
"""Columns of the user model that are roles."""


def roles_of(user: Any, using: str) -> list[dict[str, str]]:
    """Return the roles that `user` has now, flags first."""
    flags = [{"kind": "flag", "name": name} for name in FLAGS if getattr(user, name, False)]
    related = [
        role_of(thing)
        for field in role_fields(type(user))
        for thing in with_content_type(getattr(user, field.name).using(using).all())
    ]
    return flags + related


def with_content_type(things: Any) -> Any:
    """Return `things` such that naming a permission asks no further query."""
    from django.contrib.auth.models import Permission

    return (
        things.select_related("content_type") if issubclass(things.model, Permission) else things
    )


def _could_be_a_name(typed: str) -> bool:
    try:
        _name_field().run_validators(typed)
    except ValidationError:
        return False
    return True


def _could_be_an_address(typed: str) -> bool:
    try:
        validate_email(typed)
    except ValidationError:
        return False
    return True


def _name_field() -> Any:
    user_model = get_user_model()
    return user_model._meta.get_field(user_model.USERNAME_FIELD)


def _can_be_looked_up(typed: str) -> bool:
    # PostgreSQL refuses NUL, and no driver encodes a lone surrogate.
    return bool(typed) and len(typed) <= _LONGEST_LOOK_UP and _is_encodable(typed)


def _is_encodable(typed: str) -> bool:
    return "\0" not in typed and not any("\ud800" <= char <= "\udfff" for char in typed)


def _by_name(name: str) -> Any:
    user_model = get_user_model()
    with savepoint(router.db_for_read(user_model)):
        try:
            return user_model._default_manager.get_by_natural_key(name)
        except (ObjectDoesNotExist, MultipleObjectsReturned, ValueError):
            return None


def _by_email(email: str) -> Any:
    user_model = get_user_model()
    field = email_field()
    if not field:
        return None
    with savepoint(router.db_for_read(user_model)):
        found = list(user_model._default_manager.filter(**{f"{field}__iexact": email})[:2])
    return found[0] if len(found) == 1 else None

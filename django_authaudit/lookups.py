"""Find the account behind what was typed, at the flush and with the same work for every name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import (
    FieldDoesNotExist,
    MultipleObjectsReturned,
    ObjectDoesNotExist,
    ValidationError,
)
from django.core.validators import validate_email
from django.db import connections, router
from django.db.models import Manager, QuerySet
from django.utils.crypto import salted_hmac

from django_authaudit.cleaning import MASK
from django_authaudit.drafts import Draft
from django_authaudit.transactions import savepoint

_IDENTIFIERS = ("username", "email", "login", "phone", "remote_user")
_LONGEST_LOOK_UP = 1_000
_TYPED = "what was typed"


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
    # Where an address is the name, looking up the name was that.
    is_name = email_field() == get_user_model().USERNAME_FIELD
    by_email = _by_email(email) if _can_be_looked_up(email) and not is_name else None
    return found or by_email


def find_or_mask(draft: Draft, name: str, email: str = "") -> Any:
    """Return what `find_account()` does; where it finds none, mask what was typed in `draft`.

    What could not be looked up, for the database is away, may be a password all the same.
    """
    account = None
    try:
        account = find_account(name, email)
    finally:
        if account is None:
            mask_unless_a_name(draft)
    return account


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


def name_or_mask(typed: str) -> str:
    """Return `typed` if some account could be named so; it may be a password otherwise."""
    return typed if _could_be_a_name(typed) or _could_be_an_address(typed) else MASK


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


going_with: list[Callable[[Any, str], Mapping[str, Any]]] = []
"""Functions of an account that is about to be deleted, and of its database's alias. Each returns
what its package knows to go with it, as metadata of that one entry."""


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
    meta: Any = get_user_model()._meta
    return meta.get_field(get_user_model().USERNAME_FIELD)


def _can_be_looked_up(typed: str) -> bool:
    # PostgreSQL refuses NUL, and no driver encodes a lone surrogate.
    return bool(typed) and len(typed) <= _LONGEST_LOOK_UP and _is_encodable(typed)


def _is_encodable(typed: str) -> bool:
    return "\0" not in typed and not any("\ud800" <= char <= "\udfff" for char in typed)


def _by_name(name: str) -> Any:
    user_model = get_user_model()
    alias = router.db_for_read(user_model)
    with savepoint(alias):
        statement = _statement(user_model, alias)
        if statement is None:
            return _by_natural_key(name)
        sql, fields = statement
        with connections[alias].cursor() as cursor:
            cursor.execute(sql, [name])
            rows = cursor.fetchall()
    if len(rows) != 1:
        return None
    values = [field.to_python(value) for field, value in zip(fields, rows[0], strict=True)]
    return user_model.from_db(alias, [field.attname for field in fields], values)


@cache
def _statement(user_model: Any, alias: str) -> tuple[str, Sequence[Any]] | None:
    """Return the look-up by name as Django compiles it, and the fields that it reads.

    Compiling it each time takes as long as asking. None where a manager or a field of the
    project's own has a say in it.
    """
    manager, meta = user_model._default_manager, user_model._meta
    names = (meta.pk.name, user_model.USERNAME_FIELD, email_field(), "is_active")
    # Each once and in the order of the model, as `from_db()` takes them.
    fields = [field for field in meta.concrete_fields if field.name in names]
    if not (_is_of_django(manager) and all(map(_is_plain, fields))):
        return None
    found = manager.using(alias).filter(**{user_model.USERNAME_FIELD: _TYPED})
    query = found.values_list(*(field.name for field in fields))[:2].query
    sql, parameters = query.get_compiler(alias).as_sql()
    return (sql, fields) if parameters == (_TYPED,) else None


def _is_of_django(manager: Any) -> bool:
    from django.contrib.auth.base_user import BaseUserManager

    kind = type(manager)
    by_natural_key = getattr(kind, "get_by_natural_key", None)
    return (
        kind.get_queryset is Manager.get_queryset
        and type(manager.all()) is QuerySet
        and by_natural_key in (None, BaseUserManager.get_by_natural_key)
    )


def _is_plain(field: Any) -> bool:
    return type(field).__module__.startswith("django.db.models.")


def _by_natural_key(name: str) -> Any:
    user_model = get_user_model()
    manager: Any = user_model._default_manager
    try:
        if hasattr(manager, "get_by_natural_key"):
            return manager.get_by_natural_key(name)
        return manager.get(**{user_model.USERNAME_FIELD: name})
    except (ObjectDoesNotExist, MultipleObjectsReturned, ValueError):
        return None


def _by_email(email: str) -> Any:
    """Return the only account with that address: as typed, in lower case, or as Django stores it.

    ``iexact`` would ask for every spelling, but uses no index: among 500,000 accounts on
    PostgreSQL it took 300 ms, and this 1 ms; without an index on the column 360 and 110.
    """
    from django.contrib.auth.base_user import BaseUserManager

    user_model = get_user_model()
    field = email_field()
    if not field:
        return None
    spellings = {email, email.lower(), BaseUserManager.normalize_email(email)}
    with savepoint(router.db_for_read(user_model)):
        found = user_model._default_manager.filter(**{f"{field}__in": sorted(spellings)})[:2]
        accounts = list(found)
    return accounts[0] if len(accounts) == 1 else None

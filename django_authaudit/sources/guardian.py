"""Permissions for single objects, by django-guardian."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import signals

from django_authaudit import events, lookups, recorder
from django_authaudit.guard import guard
from django_authaudit.sources import base

_VIA = "guardian"
_USER, _GROUP = "user", "group"
_AT_ONCE = 500
_MOST_NAMED = 50
"""Permissions named of a deleted account, so that they fit into the metadata of its entry."""
Key = tuple[str, ...]


class Source(base.Source):
    """Its rows, each of which gives one permission for one object to one user or group."""

    requires = "guardian"
    records = (
        events.ROLE_GRANTED,
        events.ROLE_REVOKED,
        events.GROUP_PERMISSION_GRANTED,
        events.GROUP_PERMISSION_REVOKED,
    )
    blind = (
        "Permissions for an object that was deleted, until they are cleaned up; which ones a "
        "deleted group had; abulk_create(), QuerySet.update(), fixtures and raw SQL."
    )

    def connect(self) -> None:
        """Connect the models of rows and of their owners, and wrap what sends no signal."""
        from django.contrib.auth.models import Group
        from guardian.managers import BaseObjectPermissionManager

        for model in _models_of_rows():
            self.listen(signals.post_save, on_post_save, sender=model)
            self.listen(signals.post_delete, on_post_delete, sender=model)
        for model in apps.get_models():
            if model._meta.concrete_model in (get_user_model(), Group):
                self.listen(signals.pre_delete, on_pre_delete_owner, sender=model)
        _follow_bulk_create(BaseObjectPermissionManager)
        if of_account not in lookups.going_with:
            lookups.going_with.append(of_account)


def _models_of_rows() -> list[Any]:
    from guardian.models import BaseObjectPermission

    return [model for model in apps.get_models() if issubclass(model, BaseObjectPermission)]


def on_post_save(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a permission that was given."""
    if created and not raw:
        _note(instance, _owner(instance), _permission(instance, using), True, using)


def on_pre_delete_owner(sender: Any, instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Remember that an account or a group goes: its permissions are a part of that."""
    _memory(origin, "leaving")[_key_of(instance)] = True


def of_account(user: Any, using: str) -> dict[str, Any]:
    """Return the permissions that go with `user`: the first of them, and how many there are."""
    named: list[dict[str, str]] = []
    total = 0
    for model in _models_of_rows():
        if _owner_field(model) == _USER:
            rows = model._base_manager.using(using).filter(user=user.pk)
            total += rows.count()
            rows = rows.select_related("permission__content_type")[: _MOST_NAMED - len(named)]
            named += [_as_metadata(row, using) for row in rows]
    facts: dict[str, Any] = {"object_permissions": named} if named else {}
    return facts | ({"truncated": {"object_permissions": total}} if total > len(named) else {})


def on_post_delete(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Record a permission that was taken back, unless its owner went with it."""
    field = sender._meta.get_field(_owner_field(sender))
    owner_pk = getattr(instance, field.attname)
    if (field.related_model._meta.concrete_model, owner_pk) in _memory(origin, "leaving"):
        return
    # Of a thousand rows that go at once, most share their owner or their permission.
    owners, names = _memory(origin, "owners"), _memory(origin, "names")
    if owner_pk not in owners:
        owners[owner_pk] = _owner(instance)
    if instance.permission_id not in names:
        names[instance.permission_id] = _permission(instance, using)
    _note(instance, owners[owner_pk], names[instance.permission_id], False, using)


def _follow_bulk_create(manager: Any) -> None:
    """See the rows that are made without a signal.

    Giving a permission for many objects, or to many, ends in the manager's ``bulk_create()``
    (guardian/managers.py, `bulk_assign_perm` and `assign_perm_to_many`), which is Django's own,
    inherited.
    """
    original = manager.bulk_create
    if getattr(original, "_authaudit_wrap", False):
        return

    @functools.wraps(original)
    def bulk_create(self: Any, objs: Iterable[Any], *args: Any, **kwargs: Any) -> Any:
        rows = list(objs)
        present: set[Key] = set()
        with guard("looking at permissions before more are made"):
            present = _present(self, rows)
        made = original(self, rows, *args, **kwargs)
        with guard("recording permissions made in bulk"):
            _note_made(rows, present, _written(self))
        return made

    bulk_create.__dict__["_authaudit_wrap"] = True
    manager.bulk_create = bulk_create


def _present(manager: Any, rows: list[Any]) -> set[Key]:
    """Return which of `rows` there are already: a conflict may be ignored."""
    found: set[Key] = set()
    columns = _columns(manager.model)
    stored = manager.model._base_manager.using(_written(manager))
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        wanted = {f"{name}__in": {getattr(row, name) for row in some} for name in columns}
        found.update(_as_key(values) for values in stored.filter(**wanted).values_list(*columns))
    return found


def _note_made(rows: list[Any], present: set[Key], using: str) -> None:
    names: dict[Any, str] = {}
    for row in _without(rows, present):
        if row.permission_id not in names:
            names[row.permission_id] = _permission(row, using)
        _note(row, _owner(row), names[row.permission_id], True, using)


def _without(rows: list[Any], seen: set[Key]) -> Iterator[Any]:
    for row in rows:
        key = _as_key(getattr(row, name) for name in _columns(type(row)))
        if key not in seen:
            seen.add(key)
            yield row


def _note(row: Any, owner: Any, permission: str, granted: bool, using: str) -> None:
    metadata = {"permission": permission, "object": _object(row, using), "via": _VIA}
    if _owner_field(type(row)) == _USER:
        recorder.note(
            events.ROLE_GRANTED if granted else events.ROLE_REVOKED,
            user=owner,
            using=using,
            metadata={"role": {"kind": "permission", "name": permission}, **metadata},
        )
    else:
        recorder.note(
            events.GROUP_PERMISSION_GRANTED if granted else events.GROUP_PERMISSION_REVOKED,
            using=using,
            metadata={"group": owner.name, **metadata},
        )


def _as_metadata(row: Any, using: str) -> dict[str, str]:
    return {"permission": lookups.role_of(row.permission)["name"], "object": _object(row, using)}


def _owner_field(model: Any) -> str:
    return _USER if lookups.is_column(model, _USER) else _GROUP


def _owner(row: Any) -> Any:
    return getattr(row, _owner_field(type(row)))


def _columns(model: Any) -> tuple[str, ...]:
    """Return the columns by which two rows are the same permission."""
    generic = lookups.is_column(model, "object_pk")
    target = ("content_type_id", "object_pk") if generic else ("content_object_id",)
    return (f"{_owner_field(model)}_id", "permission_id", *target)


def _as_key(values: Iterable[Any]) -> Key:
    # A generic row keeps the key of its object as text.
    return tuple(str(value) for value in values)


def _object(row: Any, using: str) -> str:
    """Return the object as ``app.model:pk``; it may be gone, and its text is not ours to show."""
    from django.contrib.contenttypes.models import ContentType

    if lookups.is_column(type(row), "object_pk"):
        kind = ContentType.objects.db_manager(using).get_for_id(row.content_type_id)
        return f"{kind.app_label}.{kind.model}:{row.object_pk}"
    model = row._meta.get_field("content_object").related_model
    return f"{model._meta.label_lower}:{row.content_object_id}"


def _permission(row: Any, using: str) -> str:
    from django.contrib.auth.models import Permission

    permissions = lookups.with_content_type(Permission._base_manager.using(using))
    return lookups.role_of(permissions.get(pk=row.permission_id))["name"]


def _written(manager: Any) -> str:
    return str(manager._db or router.db_for_write(manager.model, **manager._hints))


def _key_of(owner: Any) -> tuple[Any, Any]:
    return (owner._meta.concrete_model, owner.pk)


def _memory(origin: Any, name: str) -> dict[Any, Any]:
    """Return what is remembered under `name` of the deletion that began at `origin`."""
    memory: dict[Any, Any] = getattr(origin, "__dict__", {}).setdefault(
        f"_authaudit_guardian_{name}", {}
    )
    return memory

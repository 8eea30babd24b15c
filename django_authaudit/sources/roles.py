"""Roles: the groups and permissions of accounts, and the permissions of groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connections
from django.db.models import signals

from django_authaudit import events, lookups, recorder
from django_authaudit.drafts import Draft
from django_authaudit.sources import base


@dataclass(frozen=True)
class Relation:
    """A many-to-many field that gives roles: of accounts, or of groups."""

    field: Any
    note: Callable[[Any, Any, bool, str], Draft | None]

    def pairs(self, instance: Any, reverse: bool, pks: Any, using: str) -> set[Any]:
        """Return the keys on the other side that `instance` is joined with now."""
        here, there = self.field.m2m_field_name(), self.field.m2m_reverse_field_name()
        if reverse:
            here, there = there, here
        rows = self.field.remote_field.through._base_manager.using(using)
        rows = rows.filter(**{here: instance.pk})
        if pks is not None:
            rows = rows.filter(**{f"{there}__in": pks})
        return set(rows.values_list(there, flat=True))

    def others(self, pks: Iterable[Any], reverse: bool, using: str) -> dict[Any, Any]:
        """Return what stands on the other side, by key."""
        model = self.field.model if reverse else self.field.remote_field.model
        return dict(lookups.with_content_type(model._base_manager.using(using)).in_bulk(list(pks)))


_relations: dict[Any, Relation] = {}


class Source(base.Source):
    """Follows every path by which a role is given and taken."""

    records = (
        events.ROLE_GRANTED,
        events.ROLE_REVOKED,
        events.GROUP_CREATED,
        events.GROUP_DELETED,
        events.GROUP_RENAMED,
        events.GROUP_PERMISSION_GRANTED,
        events.GROUP_PERMISSION_REVOKED,
    )
    blind = (
        "Raw SQL, fixtures, rows of the join tables written directly, and cascades of "
        "the database's own."
    )

    def connect(self) -> None:
        """Connect the relations of the user model and of groups, and the groups themselves."""
        from django.contrib.auth.models import Group, Permission

        for field in lookups.role_fields(get_user_model()):
            self._follow(Relation(field, note_role))
        self._follow(Relation(Group._meta.get_field("permissions"), note_group_permission))
        for model in apps.get_models():
            if issubclass(model, Group):
                self.listen(signals.pre_save, on_pre_save_group, sender=model)
                self.listen(signals.post_save, on_post_save_group, sender=model)
            if model._meta.concrete_model is Group:
                self.listen(signals.pre_delete, on_pre_delete_role, sender=model)
                self.listen(signals.post_delete, on_post_delete_group, sender=model)
            if model._meta.concrete_model is Permission:
                self.listen(signals.pre_delete, on_pre_delete_role, sender=model)
                self.listen(signals.post_delete, on_post_delete_role, sender=model)

    def _follow(self, relation: Relation) -> None:
        through = relation.field.remote_field.through
        _relations[through] = relation
        self.listen(signals.m2m_changed, on_m2m_changed, sender=through)


def note_role(user: Any, role: Any, granted: bool, using: str) -> Draft | None:
    """Record that `user` was given `role`, or lost it."""
    event = events.ROLE_GRANTED if granted else events.ROLE_REVOKED
    metadata = {"role": lookups.role_of(role)}
    return recorder.note(event, user=user, using=using, metadata=metadata)


def note_group_permission(group: Any, permission: Any, granted: bool, using: str) -> Draft | None:
    """Record that `group` was given `permission`, or lost it."""
    event = events.GROUP_PERMISSION_GRANTED if granted else events.GROUP_PERMISSION_REVOKED
    metadata = {"group": group.name, "permission": lookups.role_of(permission)["name"]}
    return recorder.note(event, using=using, metadata=metadata)


def on_m2m_changed(
    sender: Any,
    instance: Any,
    action: str,
    reverse: bool,
    pk_set: Any,
    using: str,
    raw: bool = False,
    **kwargs: Any,
) -> None:
    """Record the pairs that really come and go.

    Removing a non-member sends its key all the same, clearing sends none at all, and adding sends
    only what is new: so what is there is read before it goes.
    """
    if raw:
        return
    change = _Change(_relations[sender], instance, reverse, using)
    if action in ("pre_remove", "pre_clear"):
        change.remember(pk_set)
    elif action in ("post_remove", "post_clear"):
        change.revoke()
    elif action == "post_add":
        change.grant(pk_set)


@dataclass(frozen=True)
class _Change:
    relation: Relation
    instance: Any
    reverse: bool
    using: str

    def remember(self, pks: Any) -> None:
        self._memory()["leaving"] = self.relation.pairs(
            self.instance, self.reverse, pks, self.using
        )

    def revoke(self) -> None:
        leaving = self._memory().pop("leaving", ())
        revoked = {pk: self._note(other, False) for pk, other in self._others(leaving).items()}
        self._memory().update(revoked=revoked, block=_block(self.using))

    def grant(self, pks: Any) -> None:
        memory = self._memory()
        revoked = memory.get("revoked", {}) if memory.get("block") == _block(self.using) else {}
        for pk, other in self._others(pks).items():
            draft = revoked.pop(pk, None)
            # ``set(..., clear=True)`` takes all and gives back what stays: no change.
            if draft is None or not draft.withdraw():
                self._note(other, True)

    def _others(self, pks: Any) -> dict[Any, Any]:
        return self.relation.others(pks, self.reverse, self.using) if pks else {}

    def _note(self, other: Any, granted: bool) -> Draft | None:
        owner, role = (other, self.instance) if self.reverse else (self.instance, other)
        return self.relation.note(owner, role, granted, self.using)

    def _memory(self) -> dict[str, Any]:
        memories = self.instance.__dict__.setdefault("_authaudit_pairs", _Memories())
        key = (self.relation.field.remote_field.through, self.reverse)
        memory: dict[str, Any] = memories.setdefault(key, {})
        return memory


class _Memories(dict[Any, dict[str, Any]]):
    """What an account or a group remembers; a copy of it, or a cache, begins with nothing."""

    def __reduce__(self) -> tuple[type[_Memories], tuple[()]]:
        return _Memories, ()


def _block(using: str) -> tuple[Any, ...]:
    """Return what tells savepoints apart: in one block, all is kept or nothing."""
    return tuple(filter(None, connections[using].savepoint_ids))


def on_pre_save_group(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **kwargs: Any
) -> None:
    """Remember the name that the database holds."""
    instance.__dict__.pop("_authaudit_name", None)
    saves_name = update_fields is None or "name" in update_fields
    if saves_name and not raw and instance.pk is not None:
        instance.__dict__["_authaudit_name"] = _stored_name(instance, using)


def on_post_save_group(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new group, or a new name."""
    old = instance.__dict__.pop("_authaudit_name", None)
    if raw:
        return
    name = instance.name
    if hasattr(name, "resolve_expression"):
        name = _stored_name(instance, using)
    metadata = {"group": name}
    # A new child of a stored group is no new group.
    if created and old is None:
        recorder.note(events.GROUP_CREATED, using=using, metadata=metadata)
    elif old not in (None, name):
        metadata |= {"old": old, "new": name}
        recorder.note(events.GROUP_RENAMED, using=using, metadata=metadata)


def _stored_name(instance: Any, using: str) -> str | None:
    from django.contrib.auth.models import Group

    found = Group._base_manager.using(using).filter(pk=instance.pk)
    return found.values_list("name", flat=True).first()


def on_pre_delete_role(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Remember who has the role that goes: its rows vanish without a signal."""
    instance.__dict__["_authaudit_owners"] = [
        (relation, owner)
        for relation in _relations.values()
        if isinstance(instance, relation.field.remote_field.model)
        for owner in relation.others(
            relation.pairs(instance, True, None, using), True, using
        ).values()
    ]


def on_post_delete_group(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Record the end of a group, and the role that each member lost by it."""
    recorder.note(events.GROUP_DELETED, using=using, metadata={"group": instance.name})
    on_post_delete_role(sender, instance, using)


def on_post_delete_role(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Record the role that each owner lost."""
    for relation, owner in instance.__dict__.pop("_authaudit_owners", ()):
        relation.note(owner, instance, False, using)

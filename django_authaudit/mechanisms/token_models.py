"""Tokens that are rows: given, taken back, handed to another account. A table of such models.

The secret is never read but by a model's own `facts`, which make a safe name of it: the key of a
row, and what ``str()`` gives, may be the token itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import signals
from django.utils import timezone

from django_authaudit import events, lookups, recorder

Values = Mapping[str, Any]
_OWNER, _OWNER_KEY = "user", "user_id"


@dataclass(frozen=True)
class TokenModel:
    """What a package's model of tokens looks like."""

    via: str
    """The package's short name."""
    facts: Callable[[Any], dict[str, Any]]
    """Returns what may be said of a token: ``token_id``, and a label where it has one."""
    revoked: str = ""
    """The column that is true, or a time, from the moment that the token is revoked."""
    expires: str = ""
    """The column of the time at which the token ends by itself."""

    def columns(self, model: Any) -> Iterator[Any]:
        """Yield the fields of `model` whose changes give the token or take it back."""
        for name in filter(None, (_OWNER, self.revoked, self.expires)):
            if lookups.is_column(model, name):
                field = model._meta.get_field(name)
                if name != _OWNER or field.related_model is get_user_model():
                    yield field

    def is_usable(self, values: Values) -> bool:
        """Return whether a token that holds `values` would be accepted now."""
        ends = values.get(self.expires)
        return not values.get(self.revoked) and (ends is None or ends > timezone.now())


_table: dict[Any, TokenModel] = {}


def follow(listen: Callable[..., None], base: Any, token: TokenModel) -> None:
    """Record what becomes of the tokens of `base` and of all models made from it.

    `listen` is `Source.listen`.
    """
    user_model = get_user_model()
    for model in apps.get_models():
        concrete: Any = model._meta.concrete_model
        if issubclass(model, base):
            _table[model] = token
            # Saving a proxy or a child sends its own signals only.
            listen(signals.pre_save, on_pre_save, sender=model)
            listen(signals.post_save, on_post_save, sender=model)
            # Deleting a child deletes its parent too, and sends both.
            if not any(issubclass(parent, base) for parent in concrete._meta.get_parent_list()):
                listen(signals.pre_delete, on_pre_delete, sender=model)
                listen(signals.post_delete, on_post_delete, sender=model)
        if concrete is user_model:
            listen(signals.pre_delete, on_pre_delete_account, sender=model)


def on_pre_save(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **kwargs: Any
) -> None:
    """Remember what the database holds of a token about to be saved."""
    instance.__dict__.pop("_authaudit_before", None)
    columns = list(_table[sender].columns(sender))
    key = getattr(instance, sender._meta.pk.attname)
    saved = [field for field in columns if _is_saved(field, update_fields)]
    if not raw and key is not None and saved:
        stored = _read(sender, key, columns, using)
        instance.__dict__["_authaudit_before"] = stored and (stored, saved)


def on_post_save(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new token, or what a save has made of an old one."""
    before = instance.__dict__.pop("_authaudit_before", None)
    if raw:
        return
    if before is not None:
        stored, saved = before
        _compare(instance, stored, {**stored, **_values(instance, saved, using)}, using)
    elif created:
        _note(events.TOKEN_CREATED, instance, _owner(instance), using)


def on_pre_delete_account(sender: Any, instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Remember that an account goes: its tokens are a part of that."""
    _leaving(origin).add(instance.pk)


def on_pre_delete(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Read what can no longer be read once the row is gone."""
    token = _table[sender]
    if token.is_usable(_values(instance, list(token.columns(sender)), using)):
        instance.__dict__["_authaudit_facts"] = token.facts(instance)


def on_post_delete(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Record that a token which was still good is gone, unless its account went with it."""
    facts = instance.__dict__.pop("_authaudit_facts", None)
    if facts is not None and getattr(instance, _OWNER_KEY, None) not in _leaving(origin):
        _note(events.TOKEN_REVOKED, instance, _owner(instance), using, **facts)


def _compare(instance: Any, before: Values, after: Values, using: str) -> None:
    was, now = (_table[type(instance)].is_usable(values) for values in (before, after))
    loser, owner = (before.get(_OWNER_KEY), after.get(_OWNER_KEY))
    if was and now and loser != owner:
        moved = {"reason": "owner_changed"}
        _note(events.TOKEN_REVOKED, instance, _account(loser, using), using, **moved)
        _note(events.TOKEN_CREATED, instance, _account(owner, using), using, **moved)
    elif was and not now:
        _note(events.TOKEN_REVOKED, instance, _account(owner, using), using)
    elif now and not was:
        restored = {"reason": "restored"}
        _note(events.TOKEN_CREATED, instance, _account(owner, using), using, **restored)


def _note(event: str, instance: Any, owner: Any, using: str, **facts: Any) -> None:
    token = _table[type(instance)]
    metadata = {"via": token.via, **token.facts(instance), **facts}
    recorder.note(event, user=owner, using=using, metadata=metadata)


def _owner(instance: Any) -> Any:
    return getattr(instance, _OWNER, None)


def _account(key: Any, using: str) -> Any:
    """Return the account of that key: the attribute of an instance may be an expression."""
    accounts = get_user_model()._base_manager.using(using)
    return accounts.filter(pk=key).first() if key is not None else None


def _is_saved(field: Any, update_fields: Any) -> bool:
    return update_fields is None or not {field.name, field.attname}.isdisjoint(update_fields)


def _values(instance: Any, columns: list[Any], using: str) -> Values:
    """Return what `instance` holds in `columns`, read again where it is an expression."""
    values = {field: getattr(instance, field.attname) for field in columns}
    if any(hasattr(value, "resolve_expression") for value in values.values()):
        key = getattr(instance, type(instance)._meta.pk.attname)
        return _read(type(instance), key, columns, using) or {}
    return {field.attname: field.get_prep_value(value) for field, value in values.items()}


def _read(model: Any, key: Any, columns: list[Any], using: str) -> Values | None:
    # By the name of the column: a proxy may call something else its pk.
    rows = model._base_manager.using(using).filter(**{model._meta.pk.attname: key})
    return next(iter(rows.values(*(field.attname for field in columns))), None)


def _leaving(origin: Any) -> set[Any]:
    """Return the keys of the accounts that the deletion begun at `origin` takes away."""
    leaving: set[Any] = getattr(origin, "__dict__", {}).setdefault("_authaudit_leaving", set())
    return leaving

"""Accounts and their columns: created, deleted, renamed, switched off, password, flags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import router
from django.db.models import signals

from django_authaudit import context, events, lookups, recorder, wraps
from django_authaudit.conf import conf
from django_authaudit.drafts import Draft
from django_authaudit.guard import guard
from django_authaudit.mechanisms import resets
from django_authaudit.sources import base

Values = Mapping[str, Any]
_COLUMNS = ("password", "is_active", *lookups.FLAGS)


class Source(base.Source):
    """Compares what the database holds with what is saved."""

    records = (
        events.ACCOUNT_CREATED,
        events.ACCOUNT_DELETED,
        events.ACCOUNT_ACTIVATED,
        events.ACCOUNT_DEACTIVATED,
        events.ACCOUNT_RENAMED,
        events.ACCOUNT_EMAIL_CHANGED,
        events.PASSWORD_CHANGED,
        events.PASSWORD_RESET_COMPLETED,
        events.ROLE_GRANTED,
        events.ROLE_REVOKED,
    )
    blind = (
        "Raw SQL, bulk_create(), fixtures, and QuerySet.update() without "
        "AUTHAUDIT_TRACK_QUERYSET_UPDATES."
    )

    def connect(self) -> None:
        """Connect the signals of the user model, its proxies and its children."""
        user_model = get_user_model()
        for model in apps.get_models():
            if issubclass(model, user_model):
                # Saving a child sends the child's signals only.
                self.listen(signals.pre_save, on_pre_save, sender=model)
                self.listen(signals.post_save, on_post_save, sender=model)
                self.listen(signals.post_delete, on_post_delete_any, sender=model)
            if model._meta.concrete_model is user_model:
                # Deleting a child deletes its parent too, and sends both.
                self.listen(signals.pre_delete, on_pre_delete, sender=model)
                self.listen(signals.post_delete, on_post_delete, sender=model)
        resets.completed_by(_is_reset)
        wraps.follow_hash_upgrades(user_model)
        wraps.follow_commands()
        wraps.around_updates(_before_update, _after_update)


@cache
def _tracked() -> tuple[str, ...]:
    """Return the names of the user model's columns whose changes are recorded."""
    user_model = get_user_model()
    columns = [name for name in _COLUMNS if lookups.is_column(user_model, name)]
    names = (*columns, user_model.USERNAME_FIELD, lookups.email_field())
    return tuple(dict.fromkeys(filter(None, names)))


def on_pre_save(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **kwargs: Any
) -> None:
    """Remember what the database holds of the columns about to be saved."""
    instance.__dict__.pop("_authaudit_before", None)
    if raw or instance.pk is None:
        return
    names = [name for name in _tracked() if update_fields is None or name in update_fields]
    if names:
        found = _read([instance.pk], names, using)
        instance.__dict__["_authaudit_before"] = found.get(instance.pk)


def on_post_save(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new account, or each tracked column that differs."""
    before = instance.__dict__.pop("_authaudit_before", None)
    if raw:
        return
    # A new child of a stored account is no new account.
    if before is not None:
        _compare(instance, before, _values(instance, before, using), using)
    elif created:
        _account_created(instance, using)


def on_pre_delete(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Remember what goes with the account, and its names, should they be deferred."""
    for name in filter(None, (get_user_model().USERNAME_FIELD, lookups.email_field())):
        getattr(instance, name)
    roles = lookups.roles_of(instance, using)
    going: dict[str, Any] = {"roles": roles} if roles else {}
    instance.__dict__["_authaudit_going"] = going
    for tell in lookups.going_with:
        with guard("looking at what goes with an account"):
            going.update(tell(instance, using))


def on_post_delete(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Record the end of an account and of its roles, in one entry."""
    metadata = instance.__dict__.pop("_authaudit_going", {})
    recorder.note(events.ACCOUNT_DELETED, user=instance, using=using, metadata=metadata)


def on_post_delete_any(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Remember the key: who deletes their own account still is who did it, and may sign out."""
    context.remember_key(instance)


def _read(pks: Iterable[Any], names: Iterable[str], using: str) -> dict[Any, Values]:
    rows = get_user_model()._base_manager.using(using).filter(pk__in=pks).values("pk", *names)
    return {row.pop("pk"): row for row in rows}


def _values(user: Any, before: Values, using: str) -> Values:
    """Return what was saved of the columns in `before`, read again where it was an expression."""
    values = {name: getattr(user, name) for name in before}
    if any(hasattr(value, "resolve_expression") for value in values.values()):
        return _read([user.pk], before, using).get(user.pk, {})
    return {name: _as_read(name, value, before[name]) for name, value in values.items()}


def _as_read(name: str, value: Any, before: Any) -> Any:
    """Return what reading `value` back would give, without doing so.

    A field of the project's own may store another form of it: in lower case, or encrypted.
    """
    field: Any = get_user_model()._meta.get_field(name)
    return before if field.get_prep_value(value) == before else field.to_python(value)


def _account_created(user: Any, using: str) -> None:
    recorder.note(events.ACCOUNT_CREATED, user=user, using=using)
    for name in lookups.FLAGS:
        if getattr(user, name, False):
            _flag_changed(user, name, True, using)


def _compare(user: Any, before: Values, after: Values, using: str) -> None:
    user_model = get_user_model()
    for name in (name for name in after if before[name] != after[name]):
        change = {"old": before[name], "new": after[name]}
        if name == "password":
            _password_changed(user, after[name], using)
        elif name == "is_active":
            event = events.ACCOUNT_ACTIVATED if after[name] else events.ACCOUNT_DEACTIVATED
            recorder.note(event, user=user, using=using)
        elif name in lookups.FLAGS:
            _flag_changed(user, name, bool(after[name]), using)
        elif name == user_model.USERNAME_FIELD:
            recorder.note(events.ACCOUNT_RENAMED, user=user, using=using, metadata=change)
        else:
            recorder.note(events.ACCOUNT_EMAIL_CHANGED, user=user, using=using, metadata=change)


def _flag_changed(user: Any, name: str, granted: bool, using: str) -> None:
    recorder.note(
        events.ROLE_GRANTED if granted else events.ROLE_REVOKED,
        user=user,
        using=using,
        metadata={"role": {"kind": "flag", "name": name}},
    )


def _password_changed(user: Any, encoded: Any, using: str) -> None:
    from django.contrib.auth.hashers import is_password_usable

    if wraps.upgrading_hash():
        return
    reset = resets.under_way()
    if reset is not None:
        recorder.note(events.PASSWORD_RESET_COMPLETED, user=user, using=using, metadata=reset)
        return
    metadata = {} if is_password_usable(encoded) else {"unusable": True}
    recorder.note(
        events.PASSWORD_CHANGED, user=user, using=using, metadata=metadata, explain=_say_by_whom
    )


def _is_reset(request: Any) -> bool:
    from django.contrib.auth.views import PasswordResetConfirmView

    view = context.view_class(request)
    return view is not None and issubclass(view, PasswordResetConfirmView)


def _say_by_whom(draft: Draft) -> bool:
    if draft.actor_id is not None:
        draft.metadata["by"] = "self" if draft.actor_id == draft.user_id else "admin"
    else:
        draft.metadata["by"] = "command" if "command" in draft.metadata else "code"
    return True


def _before_update(queryset: Any, values: Mapping[str, Any]) -> dict[Any, Values] | None:
    """Return what the rows of a ``QuerySet.update()`` hold, if that is to be followed."""
    if not issubclass(queryset.model, get_user_model()):
        return None
    if not conf.AUTHAUDIT_TRACK_QUERYSET_UPDATES:
        return None
    names = [name for name in _tracked() if name in values]
    if not names:
        return None
    rows = queryset.order_by().using(_written(queryset)).values("pk", *names)
    return {row.pop("pk"): row for row in rows}


def _after_update(queryset: Any, found: dict[Any, Values]) -> None:
    user_model = get_user_model()
    using = _written(queryset)
    # In as many queries as the database takes parameters for.
    users = user_model._base_manager.using(using).in_bulk(found)
    for pk, user in users.items():
        before = found[pk]
        _compare(user, before, {name: getattr(user, name) for name in before}, using)


def _written(queryset: Any) -> str:
    """Return the alias that `queryset` updates; it reads from another where there are replicas."""
    return str(queryset._db or router.db_for_write(queryset.model, **queryset._hints))

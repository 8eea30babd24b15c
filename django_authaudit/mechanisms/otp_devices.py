"""The devices of django-otp, which other packages build on: added, removed, and their codes.

The sources of those packages call `follow_devices()` with what this module must not import.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from typing import Any
from weakref import WeakValueDictionary

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import QuerySet, signals

from django_authaudit import context, events, recorder
from django_authaudit.drafts import Draft

CODES = "recovery_codes"
_CONFIRMED, _WAS_CONFIRMED = "_authaudit_confirmed", "_authaudit_was_confirmed"
_COUNT = "_authaudit_codes"

# What may still be added to, by thread and what it is about; gone when it is written.
_open: WeakValueDictionary[Any, Draft] = WeakValueDictionary()


def follow_devices(listen: Callable[..., None], device_class: Any) -> None:
    """Follow the models that inherit from `device_class`, by the source's own `listen()`."""
    for model in device_models(device_class):
        listen(signals.post_init, on_device_loaded, sender=model)
        listen(signals.pre_save, on_pre_save_device, sender=model)
        listen(signals.post_save, on_post_save_device, sender=model)
        listen(signals.pre_delete, on_pre_delete_device, sender=model)
        parents = model._meta.concrete_model._meta.parents
        if not any(issubclass(parent, device_class) for parent in parents):
            # Deleting a child deletes its parent too, and sends both.
            listen(signals.post_delete, on_post_delete_device, sender=model)
    for model in apps.get_models():
        if model._meta.label_lower == "otp_static.statictoken":
            listen(signals.post_save, on_code_saved, sender=model)


def device_models(device_class: Any) -> list[Any]:
    """Return the models that inherit from `device_class`, proxies too."""
    return [model for model in apps.get_models() if issubclass(model, device_class)]


def on_device_loaded(sender: Any, instance: Any, **kwargs: Any) -> None:
    """Remember whether the device is in use, without asking."""
    instance.__dict__[_CONFIRMED] = instance.__dict__.get("confirmed")


def on_pre_save_device(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Ask whether the device is in use, if that may be about to change."""
    was = instance.__dict__.get(_CONFIRMED)
    if instance.pk is not None and was != instance.__dict__.get("confirmed"):
        stored = sender._base_manager.using(using).filter(pk=instance.pk)
        was = stored.values_list("confirmed", flat=True).first()
    instance.__dict__[_WAS_CONFIRMED] = was


def on_post_save_device(
    sender: Any,
    instance: Any,
    created: bool,
    raw: bool,
    using: str,
    update_fields: Any = None,
    **kwargs: Any,
) -> None:
    """Record a device that comes into use or is taken out of it.

    Recovery codes are no device before there is one.
    """
    was = not created and instance.__dict__.pop(_WAS_CONFIRMED, None)
    saved = update_fields is None or "confirmed" in update_fields
    if raw or not saved:
        return
    now = instance.__dict__[_CONFIRMED] = instance.confirmed
    if kind_of(instance) == CODES or bool(was) == bool(now):
        return
    event = events.MFA_ENROLLED if now else events.MFA_REMOVED
    recorder.note(event, user=instance.user, using=using, metadata=facts_of(instance))


def on_pre_delete_device(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Count the recovery codes that go with the device."""
    if kind_of(instance) == CODES:
        instance.__dict__[_COUNT] = instance.token_set.using(using).count()


def on_post_delete_device(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Record that a device is gone; one that was never in use is nothing."""
    model = origin.model if isinstance(origin, QuerySet) else type(origin)
    codes = instance.__dict__.pop(_COUNT, None)
    # Deleting an account is one entry.
    if issubclass(model, get_user_model()) or not instance.confirmed or codes == 0:
        return
    recorder.note(
        events.MFA_REMOVED,
        user=instance.user,
        using=using,
        metadata={**facts_of(instance), **({"codes": codes} if codes else {})},
        explain=None if issubclass(sender, model) else _unless_the_account_went,
    )


def on_code_saved(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record new recovery codes, all that come together as one entry."""
    if raw or not created:
        return
    key = (CODES, using, instance.device_id)
    draft = still_open(key)
    if draft is not None:
        draft.metadata["codes"] += 1
        return
    device = instance.device
    metadata = {"via": via(type(device)), "factor": device.pk, "codes": 1}
    keep_open(
        key,
        recorder.note(
            events.MFA_RECOVERY_CODES_GENERATED, user=device.user, using=using, metadata=metadata
        ),
    )


def via(thing: type) -> str:
    """Return the name of the package that a model or form comes from."""
    modules = {base.__module__.partition(".")[0] for base in thing.__mro__}
    return "two_factor" if "two_factor" in modules else "otp"


def kind_of(device: Any) -> str:
    """Return the kind of a device: its model's name, but for codes on paper."""
    meta = device._meta.concrete_model._meta
    if meta.label_lower == "otp_static.staticdevice":
        return CODES
    return str(meta.model_name).removesuffix("device")


def facts_of(device: Any) -> dict[str, Any]:
    """Return how a device is named in metadata: by nothing that is secret."""
    return {"via": via(type(device)), "kind": kind_of(device), "factor": device.pk}


def _unless_the_account_went(draft: Draft) -> bool:
    return bool(get_user_model()._base_manager.filter(pk=draft.user_id).exists())


def keep_open(key: tuple[Any, ...], draft: Draft | None) -> None:
    """Let `still_open()` find `draft` until it is written."""
    if draft is not None:
        _open[(get_ident(), *key)] = draft


def still_open(key: tuple[Any, ...]) -> Draft | None:
    """Return what this request, or this transaction, has recorded of the same already."""
    draft = _open.get((get_ident(), *key))
    if draft is None or draft.finished or draft.scope is not context.current():
        return None
    return draft

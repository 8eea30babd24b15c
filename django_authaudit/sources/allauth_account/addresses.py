"""Addresses that are added, verified, removed and made the main one."""

from __future__ import annotations

from typing import Any

from django_authaudit import events, recorder
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources.allauth_account.words import VIA


def on_pre_save_address(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **kwargs: Any
) -> None:
    """Remember whether the stored address is verified."""
    instance.__dict__.pop("_authaudit_verified", None)
    saved = update_fields is None or "verified" in update_fields
    if saved and not raw and instance.pk is not None:
        rows = sender._base_manager.using(using).filter(pk=instance.pk)
        instance.__dict__["_authaudit_verified"] = rows.values_list("verified", flat=True).first()


def on_post_save_address(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record that an address is verified now, whoever has found it to be.

    allauth's own signal knows nothing of the admin's form, nor of an address that is stored when
    its code comes. What comes with a new account belongs to that.
    """
    before = instance.__dict__.pop("_authaudit_verified", None)
    became = instance.verified and (created or before is False)
    if raw or not became:
        return
    user = instance.user
    if created and pending.last(events.ACCOUNT_CREATED, user) is not None:
        return
    metadata = {"via": VIA, "address": instance.email}
    if created:
        metadata["added"] = instance.email
    recorder.note(events.ACCOUNT_EMAIL_VERIFIED, user=user, using=using, metadata=metadata)


def on_email_added(
    sender: Any, user: Any = None, email_address: Any = None, **kwargs: Any
) -> None:
    """Record a further address; one that is verified already has been."""
    if not email_address.verified:
        metadata = {"via": VIA, "added": email_address.email}
        using = email_address._state.db
        recorder.note(events.ACCOUNT_EMAIL_CHANGED, user=user, using=using, metadata=metadata)


def on_email_removed(
    sender: Any, user: Any = None, email_address: Any = None, **kwargs: Any
) -> None:
    """Record that an address was removed, in one entry with what took its place."""
    told = pending.last(events.ACCOUNT_EMAIL_CHANGED, user)
    metadata = {"via": VIA, "removed": email_address.email}
    if told is not None:
        told.metadata.update(metadata)
        return
    using = email_address._state.db
    recorder.note(events.ACCOUNT_EMAIL_CHANGED, user=user, using=using, metadata=metadata)


def on_email_changed(
    sender: Any,
    user: Any = None,
    from_email_address: Any = None,
    to_email_address: Any = None,
    **kwargs: Any,
) -> None:
    """Say more of a new main address, or tell of it where the account's row does not."""
    old, new = getattr(from_email_address, "email", None), to_email_address.email
    told = pending.last(events.ACCOUNT_EMAIL_CHANGED, user)
    if told is not None:
        told.metadata["via"] = VIA
    elif old is not None and old != new:
        metadata = {"via": VIA, "old": old, "new": new}
        using = to_email_address._state.db
        recorder.note(events.ACCOUNT_EMAIL_CHANGED, user=user, using=using, metadata=metadata)


def on_verification_code_refused(call: calls.Call) -> None:
    """Record a wrong code, if there is an account that it could have been for."""
    process = call.facts["self"]
    if process.user is not None:
        recorder.note(
            events.ACCOUNT_EMAIL_VERIFIED,
            request=process.request,
            user=process.user,
            outcome=events.FAILURE,
            metadata={"reason": "invalid_code", "via": VIA, "address": process.email},
        )


RECEIVERS = {
    "email_added": on_email_added,
    "email_removed": on_email_removed,
    "email_changed": on_email_changed,
}
CALLS = {
    "account.internal.flows.email_verification_by_code.EmailVerificationProcess."
    "record_invalid_attempt": on_verification_code_refused,
}

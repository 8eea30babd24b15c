"""Social accounts by django-allauth: connected, disconnected, and sign-ins that fail."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string

from django_authaudit import context, events, recorder
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources import base

VIA = "allauth"
_ERRORS = {"unknown", "cancelled", "denied"}


class Source(base.Source):
    """The rows of its accounts, whoever writes them, and what its adapter is told of errors."""

    requires = "allauth.socialaccount"
    records = (
        events.SOCIAL_CONNECTED,
        events.SOCIAL_DISCONNECTED,
        events.SSO_FAILURE,
        events.ACCOUNT_CREATED,
    )
    blind = (
        "A sign-in or a connection that the project's adapter stops, and one that is refused "
        "because the social account belongs to another user."
    )

    def connect(self) -> None:
        """Connect the model's signals, and watch the adapter that the settings name."""
        from allauth.socialaccount import app_settings
        from allauth.socialaccount.models import SocialAccount
        from django.db.models.signals import post_delete, post_save

        self.listen(post_save, on_account_saved, sender=SocialAccount)
        self.listen(post_delete, on_account_deleted, sender=SocialAccount)
        with guard("watching the adapter of social accounts"):
            # It is there to be overridden, and does nothing: few call what they override.
            adapter = import_string(app_settings.ADAPTER)
            calls.watch_in(adapter, "on_authentication_error", on_error)
        if apps.is_installed("allauth.headless"):
            path = "allauth.headless.socialaccount.inputs.ProviderTokenInput"
            calls.watch_form(path, on_token_cleaned)


def on_account_saved(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new connection; that of a new account is part of it."""
    if raw or not created:
        return
    metadata = _facts(instance)
    new = pending.last(events.ACCOUNT_CREATED, instance.user)
    if new is not None:
        new.metadata.update(metadata)
        return
    recorder.note(events.SOCIAL_CONNECTED, user=instance.user, using=using, metadata=metadata)


def on_account_deleted(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Record the end of a connection, unless its account is gone with it."""
    if isinstance(origin, sender) or getattr(origin, "model", None) is sender:
        recorder.note(
            events.SOCIAL_DISCONNECTED,
            user=instance.user,
            using=using,
            metadata=_facts(instance),
        )


def on_error(call: calls.Call) -> None:
    """Record a sign-in that failed at the provider, or on the way back from it."""
    error, exception = call.facts.get("error"), call.facts.get("exception")
    metadata = {
        "reason": error if error in _ERRORS else "unknown",
        "via": VIA,
        "provider": _name_of(call.facts["provider"]),
    }
    if exception is not None:
        # Never its text: the answer of a provider may stand in it.
        metadata["exception"] = type(exception).__name__
    _note_failure(call.facts["request"], metadata)


def on_token_cleaned(form: Any) -> None:
    """Record a provider's token that was refused."""
    if "invalid_token" in calls.error_codes(form, "token"):
        provider = str(form.data.get("provider") or "")
        metadata = {"reason": "invalid_token", "via": VIA, "provider": provider}
        _note_failure(None, metadata)


def _note_failure(request: Any, metadata: dict[str, Any]) -> None:
    recorder.note(events.SSO_FAILURE, request=request, user=context.UNKNOWN, metadata=metadata)


def _facts(account: Any) -> dict[str, Any]:
    return {"via": VIA, "provider": account.provider, "uid": account.uid}


def _name_of(provider: Any) -> str:
    return str(getattr(provider, "sub_id", provider))

"""social-auth-app-django: accounts connected and disconnected, and sign-ins that fail."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied

from django_authaudit import context, events, recorder, wraps
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources import base

_VIA = "social_auth"
_FAILED = "_authaudit_social_failed"
_USER = "_authaudit_social_user"


class Source(base.Source):
    """The rows of its associations, and the three things that its views do."""

    requires = "social_django"
    records = (
        events.SOCIAL_CONNECTED,
        events.SOCIAL_DISCONNECTED,
        events.SSO_FAILURE,
    )
    blind = (
        "A sign-in that is begun and never comes back from the provider, and what a view of "
        "the project's own refuses before the pipeline."
    )

    def connect(self) -> None:
        """Connect the signals of each model of associations, and watch the package's calls."""
        from django.db.models.signals import post_delete, post_save
        from social_django.models import AbstractUserSocialAuth

        for model in apps.get_models():
            if issubclass(model, AbstractUserSocialAuth):
                self.listen(post_save, on_association_saved, sender=model)
                self.listen(post_delete, on_association_deleted, sender=model)
        # Its views call these by their own names for them (social_django/views.py).
        calls.watch("social_django.views.do_auth", on_begin)
        calls.watch("social_django.views.do_complete", on_complete)
        calls.watch("social_django.views.do_disconnect", on_disconnect)
        calls.watch("social_core.backends.base.BaseAuth.pipeline", on_pipeline)


def on_association_saved(
    instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new connection; that of a new account is a part of it."""
    if raw or not created:
        return
    metadata = _facts(instance)
    new = pending.last(events.ACCOUNT_CREATED, instance.user)
    if new is not None:
        new.metadata.update(metadata)
    else:
        recorder.note(events.SOCIAL_CONNECTED, user=instance.user, using=using, metadata=metadata)


def on_association_deleted(
    sender: Any, instance: Any, using: str, origin: Any, **kwargs: Any
) -> None:
    """Record the end of a connection, unless its account is gone with it."""
    if isinstance(origin, sender) or getattr(origin, "model", None) is sender:
        recorder.note(
            events.SOCIAL_DISCONNECTED,
            user=instance.user,
            using=using,
            metadata=_facts(instance),
        )


def on_begin(call: calls.Call) -> None:
    """Record that the way to the provider failed."""
    if call.error is not None:
        _note_failure(call.facts["backend"], call.error)


def on_complete(call: calls.Call) -> None:
    """Record that the way back failed, or ended with an account that is not active."""
    backend = call.facts["backend"]
    if call.error is not None:
        _note_failure(backend, call.error)
        return
    request = context.underlying(backend.strategy.request)
    user = getattr(request, "__dict__", {}).get(_USER)
    if not getattr(user, "is_active", True) and context.signed_in(request) != user:
        _note_failure(backend, reason="inactive", user=user)


def on_disconnect(call: calls.Call) -> None:
    """Record that a connection may not be ended, such as the only way to sign in."""
    if call.error is not None:
        backend = call.facts["backend"]
        recorder.note(
            events.SOCIAL_DISCONNECTED,
            request=backend.strategy.request,
            user=context.UNKNOWN,
            outcome=events.FAILURE,
            metadata=_why(backend, call.error),
        )


def on_pipeline(call: calls.Call) -> None:
    """Record what the pipeline refuses; remember whom it finds.

    It runs inside ``authenticate()``, whose own signal would name nobody.
    """
    backend = call.facts["self"]
    refused = isinstance(call.error, PermissionDenied) or not (call.error or call.result)
    if refused:
        _note_failure(backend, reason="refused")
        wraps.current_attempt(backend.strategy.request).noted = True
    elif call.error is not None:
        _note_failure(backend, call.error)
    elif isinstance(call.result, backend.strategy.storage.user.user_model()):
        # On the request: the backend may be another instance than the view's.
        request = context.underlying(backend.strategy.request)
        getattr(request, "__dict__", {})[_USER] = call.result


def _note_failure(
    backend: Any, error: BaseException | None = None, reason: str = "", user: Any = None
) -> None:
    """Record one failure per request, however many calls an error passes through."""
    request = context.underlying(backend.strategy.request)
    seen = request.__dict__ if request is not None else {}
    if _FAILED in seen:
        return
    seen[_FAILED] = True
    recorder.note(
        events.SSO_FAILURE,
        request=request,
        user=user or context.UNKNOWN,
        metadata=_why(backend, error, reason),
    )


def _why(backend: Any, error: BaseException | None, reason: str = "") -> dict[str, str]:
    """Return what is safe of `error`: not its text, in which a provider's answer may stand."""
    facts = {
        "via": _VIA,
        "provider": backend.name,
        "reason": reason or getattr(error, "code", "") or "error",
        "stage": getattr(error, "stage", ""),
        "exception": type(error).__name__ if error is not None else "",
    }
    return {key: str(value) for key, value in facts.items() if value}


def _facts(association: Any) -> dict[str, str]:
    return {"via": _VIA, "provider": association.provider, "uid": association.uid}

"""The second factor of dj-rest-auth."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import signals

from django_authaudit import context, events, recorder
from django_authaudit.mechanisms import calls, credentials, pending, rest_views
from django_authaudit.sources import base

_VIA = "dj_rest_auth"
_MFA = "dj_rest_auth.mfa"
_SIGNING_IN = "_authaudit_mfa_signing_in"
_TOTP, _CODES = "totp", "recovery_codes"


class Source(base.Source):
    """The rows of its factors, and what it writes to its own log about the codes."""

    requires = _MFA
    records = (
        events.LOGIN_SUCCESS,
        events.MFA_ENROLLED,
        events.MFA_REMOVED,
        events.MFA_RECOVERY_CODES_GENERATED,
        events.MFA_RECOVERY_CODE_USED,
        events.MFA_CHALLENGE_SUCCESS,
        events.MFA_CHALLENGE_FAILURE,
        events.REAUTHENTICATION_FAILURE,
    )
    blind = (
        "A wrong code when a factor is added, recovery codes that are looked at, and rows changed "
        "by QuerySet.update(), bulk_create() and raw SQL."
    )

    def connect(self) -> None:
        """Connect the rows, and watch the views and the function that writes to the log."""
        from dj_rest_auth.mfa.models import Authenticator

        self.listen(signals.pre_save, on_pre_save, sender=Authenticator)
        self.listen(signals.post_save, on_post_save, sender=Authenticator)
        self.listen(signals.post_delete, on_post_delete, sender=Authenticator)
        for model in apps.get_models():
            if model._meta.concrete_model is get_user_model():
                self.listen(signals.pre_delete, on_pre_delete_account, sender=model)
        # Each module has it under a name of its own.
        for module in ("views", "serializers"):
            calls.watch(f"{_MFA}.{module}.log_mfa_event", on_logged)
        rest_views.watch(f"{_MFA}.views.MFAVerifyView", on_verified)


def on_pre_save(
    sender: Any, instance: Any, raw: bool, using: str, update_fields: Any, **kwargs: Any
) -> None:
    """Remember from what the recovery codes are made: they are made anew if it changes."""
    instance.__dict__.pop("_authaudit_seed", None)
    if not raw and instance.type == _CODES and instance.pk is not None:
        stored = sender._base_manager.using(using).filter(pk=instance.pk)
        instance.__dict__["_authaudit_seed"] = _seed(stored.first())


def on_post_save(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new factor, or new recovery codes."""
    before = instance.__dict__.pop("_authaudit_seed", None)
    if raw:
        return
    if instance.type == _TOTP and created:
        _note(events.MFA_ENROLLED, instance, using, kind=_TOTP)
    elif instance.type == _CODES and before != _seed(instance):
        again = {} if created else {"regenerated": True}
        _note(events.MFA_RECOVERY_CODES_GENERATED, instance, using, **again)


def on_pre_delete_account(sender: Any, instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Remember that an account goes: its factors are a part of that."""
    _leaving(origin).add(instance.pk)


def on_post_delete(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Record a factor that is gone; the recovery codes that go with it are a part of that."""
    if instance.user_id in _leaving(origin):
        return
    removed = pending.last(events.MFA_REMOVED, instance.user)
    if instance.type == _CODES and removed is not None:
        removed.metadata["recovery_codes"] = True
    else:
        _note(events.MFA_REMOVED, instance, using, kind=instance.type)


def on_logged(call: calls.Call) -> None:
    """Record what became of a code, of which the package tells its own log."""
    event, reason = call.facts["event"], call.facts.get("reason", "")
    user, request = call.facts.get("user"), call.facts.get("request")
    facts = {"via": _VIA, "kind": _TOTP}
    if event == "totp_verified":
        _sign_in(user, _TOTP)
        recorder.note(events.MFA_CHALLENGE_SUCCESS, request=request, user=user, metadata=facts)
    elif event == "recovery_code_used":
        _sign_in(user, _CODES)
        metadata = {"via": _VIA}
        recorder.note(events.MFA_RECOVERY_CODE_USED, request=request, user=user, metadata=metadata)
    elif event == "verify_failed":
        metadata = {"via": _VIA, "reason": _REASONS.get(reason, reason)}
        recorder.note(events.MFA_CHALLENGE_FAILURE, request=request, user=user, metadata=metadata)
    elif event == "deactivation_failed" and reason == "invalid_totp_code":
        metadata = {**facts, "reason": "invalid_code"}
        recorder.note(
            events.REAUTHENTICATION_FAILURE, request=request, user=user, metadata=metadata
        )


# What the package calls it, and what it is called elsewhere.
_REASONS = {"user_inactive": "inactive"}


def _sign_in(user: Any, kind: str) -> None:
    scope = context.current()
    if scope is not None:
        scope.request.__dict__[_SIGNING_IN] = (user, kind)


def on_verified(view: Any, response: Any) -> None:
    """Record a sign-in that gives a token only, and is told by no signal."""
    scope = context.current()
    user, kind = scope.request.__dict__.get(_SIGNING_IN, (None, "")) if scope else (None, "")
    if user is None:
        return
    if not pending.drafts(events.LOGIN_SUCCESS, user):
        recorder.note(events.LOGIN_SUCCESS, request=view.request, user=user, actor=user)
    for draft in pending.drafts(events.LOGIN_SUCCESS, user):
        draft.metadata |= {"via": _VIA, "mfa": kind}
    credentials.settle_owners("rest_framework")


def _note(event: str, factor: Any, using: str, **facts: Any) -> None:
    metadata = {**facts, "factor": factor.pk, "via": _VIA}
    recorder.note(event, user=factor.user, using=using, metadata=metadata)


def _seed(factor: Any) -> Any:
    """Return the secret of recovery codes, to be compared and forgotten."""
    return factor.data.get("seed") if factor is not None else None


def _leaving(origin: Any) -> set[Any]:
    """Return the keys of the accounts that the deletion begun at `origin` takes away."""
    leaving: set[Any] = getattr(origin, "__dict__", {}).setdefault("_authaudit_mfa_leaving", set())
    return leaving

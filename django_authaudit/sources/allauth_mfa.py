"""Second factors by django-allauth: added, used, refused and removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django_authaudit import events, recorder
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources import base

VIA = "allauth"
_CODES = "recovery_codes"
_THROTTLED = "too_many_login_attempts"
_REASONS = {"incorrect_code": "invalid_credential", _THROTTLED: "throttled"}


class Source(base.Source):
    """The rows of its factors, whoever writes them, its signals, and what its forms refuse.

    Its signals for rows are not listened to: those for new ones come when the transaction is
    over, and none comes for what the admin or a command does.
    """

    requires = "allauth.mfa"
    records = (
        events.MFA_ENROLLED,
        events.MFA_REMOVED,
        events.MFA_RECOVERY_CODES_GENERATED,
        events.MFA_RECOVERY_CODE_USED,
        events.MFA_CHALLENGE_SUCCESS,
        events.MFA_CHALLENGE_FAILURE,
        events.LOGIN_FAILURE,
        events.REAUTHENTICATION_FAILURE,
    )
    blind = (
        "A wrong code while a factor is being set up, a factor that is only renamed, a browser "
        "that is trusted, and whose passkey was refused at a login by passkey."
    )

    def connect(self) -> None:
        """Connect the signals, and watch the forms."""
        from allauth.mfa import signals
        from allauth.mfa.models import Authenticator
        from django.db.models.signals import post_delete, post_save

        self.listen(post_save, on_authenticator_saved, sender=Authenticator)
        self.listen(post_delete, on_authenticator_deleted, sender=Authenticator)
        for name, receiver in _RECEIVERS.items():
            with guard(f"connecting {name}"):
                self.listen(getattr(signals, name), receiver)
        calls.watch_form("allauth.mfa.base.forms.BaseAuthenticateForm", on_code_cleaned)
        calls.watch_form("allauth.mfa.webauthn.forms.AuthenticateWebAuthnForm", on_key_cleaned)


def on_authenticator_saved(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a new factor, or new recovery codes."""
    if raw or not created:
        return
    user, metadata = instance.user, {"via": VIA, "kind": instance.type, "factor": instance.pk}
    if instance.type != _CODES:
        recorder.note(events.MFA_ENROLLED, user=user, using=using, metadata=metadata)
        return
    old = _removed_codes(user)
    if old is not None:
        # New ones take the place of the old ones, which are deleted first.
        facts = {"via": VIA, "factor": instance.pk, "regenerated": True}
        pending.turn_into(old, events.MFA_RECOVERY_CODES_GENERATED, user, **facts)
        return
    metadata = {"via": VIA, "factor": instance.pk}
    recorder.note(events.MFA_RECOVERY_CODES_GENERATED, user=user, using=using, metadata=metadata)


def on_authenticator_deleted(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Record that a factor is gone; the recovery codes that vanish with it are part of that."""
    if not isinstance(origin, sender) and getattr(origin, "model", None) is not sender:
        # The account is gone, and all that it had.
        return
    user = instance.user
    metadata = {"via": VIA, "kind": instance.type, "factor": instance.pk}
    if instance.type == _CODES:
        other = pending.last(events.MFA_REMOVED, user)
        if other is not None:
            other.metadata["recovery_codes"] = True
            return
    else:
        codes = _removed_codes(user)
        if codes is not None:
            codes.metadata.update(metadata, recovery_codes=True)
            return
    recorder.note(events.MFA_REMOVED, user=user, using=using, metadata=metadata)


def on_authenticator_used(
    sender: Any,
    request: Any = None,
    user: Any = None,
    authenticator: Any = None,
    reauthenticated: bool = False,
    passwordless: bool = False,
    **kwargs: Any,
) -> None:
    """Record a recovery code that is used up, or the second factor of a login."""
    metadata = {"via": VIA, "factor": authenticator.pk}
    if authenticator.type == _CODES:
        using = authenticator._state.db
        recorder.note(
            events.MFA_RECOVERY_CODE_USED,
            request=request,
            user=user,
            using=using,
            metadata=metadata,
        )
    elif not reauthenticated and not passwordless:
        metadata["kind"] = authenticator.type
        recorder.note(events.MFA_CHALLENGE_SUCCESS, request=request, user=user, metadata=metadata)


def on_authentication_failed(
    sender: Any,
    request: Any = None,
    user: Any = None,
    authenticator: Any = None,
    reauthentication: bool = False,
    **kwargs: Any,
) -> None:
    """Record a wrong code."""
    _refused(request, user, authenticator.type, "invalid_code", reauthentication)


def on_code_cleaned(form: Any) -> None:
    """Record a code that was not looked at, because too many have come (no signal tells)."""
    from allauth.mfa.base.forms import ReauthenticateForm

    if _THROTTLED in calls.error_codes(form):
        again = isinstance(form, ReauthenticateForm)
        _refused(None, form.user, "", "throttled", again)


def on_key_cleaned(form: Any) -> None:
    """Record a security key that was refused (allauth sends no signal for keys)."""
    for code in calls.error_codes(form, "credential") & set(_REASONS):
        if form.passwordless:
            metadata = {"reason": _REASONS[code], "via": VIA, "method": "webauthn"}
            recorder.note(events.LOGIN_FAILURE, metadata=metadata)
        else:
            _refused(None, form.user, "webauthn", _REASONS[code], form.reauthenticated)


def _refused(request: Any, user: Any, kind: str, reason: str, again: bool) -> None:
    event, said = events.MFA_CHALLENGE_FAILURE, {"kind": kind}
    if again:
        event, said = events.REAUTHENTICATION_FAILURE, {"method": kind}
    metadata = {"reason": reason, "via": VIA, **(said if kind else {})}
    recorder.note(event, request=request, user=user, metadata=metadata)


def _removed_codes(user: Any) -> Any:
    """Return the draft that tells that the user's recovery codes alone were removed, or None."""
    removed = pending.last(events.MFA_REMOVED, user)
    return removed if removed is not None and removed.metadata["kind"] == _CODES else None


_RECEIVERS: dict[str, Callable[..., None]] = {
    "authenticator_used": on_authenticator_used,
    "authentication_failed": on_authentication_failed,
}

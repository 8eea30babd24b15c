"""Passwords that are changed, set and reset."""

from __future__ import annotations

from typing import Any

from django_authaudit import context, events, recorder
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources.allauth_account.words import VIA


def on_password_changed(sender: Any, user: Any = None, **kwargs: Any) -> None:
    """Say that a change was made here."""
    _complete(events.PASSWORD_CHANGED, user, via=VIA, by="self")


def on_password_set(sender: Any, user: Any = None, **kwargs: Any) -> None:
    """Say that the account had no password before."""
    _complete(events.PASSWORD_CHANGED, user, via=VIA, by="self", first=True)


def on_password_reset(sender: Any, user: Any = None, **kwargs: Any) -> None:
    """Say that the change of a password was the end of a reset."""
    told = pending.last(events.PASSWORD_CHANGED, user)
    metadata = {"via": VIA, "method": _way_of_reset()}
    if told is not None:
        pending.turn_into(told, events.PASSWORD_RESET_COMPLETED, user, **metadata)
    else:
        _complete(events.PASSWORD_RESET_COMPLETED, user, **metadata)


def _complete(code: str, user: Any, **metadata: Any) -> None:
    """Say more of what the change of the account's row has told, or tell it if that has not."""
    draft = pending.last(code, user)
    if draft is not None:
        draft.metadata.update(metadata)
    elif context.current() is not None:
        recorder.note(code, user=user, using=user._state.db, metadata=metadata)


def on_change_cleaned(form: Any) -> None:
    """Record a wrong old password."""
    if "enter_current_password" in calls.error_codes(form):
        metadata = {"reason": "invalid_password", "via": VIA}
        recorder.note(events.PASSWORD_CHANGE_FAILURE, user=form.user, metadata=metadata)


def on_reset_request_cleaned(form: Any) -> None:
    """Record a request for an unknown address, where the form may say that it is one."""
    if "unknown_email" in calls.error_codes(form):
        recorder.note(
            events.PASSWORD_RESET_REQUESTED,
            email=str(form.data.get(form.add_prefix("email"))),
            outcome=events.FAILURE,
            metadata={"reason": "unknown_user", "via": VIA, "method": _way_of_reset()},
        )


def on_reset_requested(call: calls.Call) -> None:
    """Record one request, whoever it is for (allauth/account/forms.py, `ResetPasswordForm`)."""
    form = call.facts["self"]
    recorder.note(
        events.PASSWORD_RESET_REQUESTED,
        request=call.facts.get("request"),
        user=form.users[0] if len(form.users) == 1 else None,
        email=form.cleaned_data["email"],
        outcome=events.FAILURE if call.error is not None else None,
        metadata={"via": VIA, "method": _way_of_reset()},
    )


def on_reset_link_cleaned(form: Any) -> None:
    """Record a link that is bad, expired or used."""
    if "invalid_password_reset" in calls.error_codes(form):
        metadata = {"reason": "invalid_link", "via": VIA}
        recorder.note(events.PASSWORD_RESET_FAILURE, user=form.reset_user, metadata=metadata)


def on_reset_code_refused(call: calls.Call) -> None:
    """Record a wrong code, also one for an address that nobody has."""
    process = call.facts["self"]
    recorder.note(
        events.PASSWORD_RESET_FAILURE,
        request=process.request,
        user=process.user,
        email=process.state["email"],
        metadata={"reason": "invalid_code", "via": VIA},
    )


def _way_of_reset() -> str:
    from allauth.account import app_settings

    return "code" if app_settings.PASSWORD_RESET_BY_CODE_ENABLED else "link"


RECEIVERS = {
    "password_changed": on_password_changed,
    "password_set": on_password_set,
    "password_reset": on_password_reset,
}
CALLS = {
    "account.forms.ResetPasswordForm.save": on_reset_requested,
    "account.internal.flows.password_reset_by_code.PasswordResetVerificationProcess."
    "record_invalid_attempt": on_reset_code_refused,
}
FORMS = {
    "account.forms.ChangePasswordForm": on_change_cleaned,
    "account.forms.ResetPasswordForm": on_reset_request_cleaned,
    "account.forms.UserTokenForm": on_reset_link_cleaned,
    "headless.account.inputs.ChangePasswordInput": on_change_cleaned,
}

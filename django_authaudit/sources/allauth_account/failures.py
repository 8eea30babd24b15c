"""Why somebody could not sign in."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from django_authaudit import events, lookups, recorder, wraps
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import calls, login_failures, pending
from django_authaudit.sources.allauth_account.words import THROTTLED, VIA

_MALFORMED = {"invalid", "max_length", "null_characters_not_allowed"}
_NAMES = ("login", "username", "email", "phone")


def on_authenticated(call: calls.Call) -> None:
    """Say more of a failed login, or record one that was refused before anybody was asked.

    No signal tells of the rate limit, which raises (allauth/account/adapter.py,
    `DefaultAccountAdapter.pre_authenticate`).
    """
    request = call.facts.get("request")
    credentials = {k: v for k, v in call.facts.items() if k not in ("self", "request")}
    name, email = lookups.identifier(credentials)
    if isinstance(call.error, ValidationError) and not wraps.current_attempt(request).over:
        recorder.note(
            events.LOGIN_FAILURE,
            request=request,
            username=name,
            email=email,
            metadata=_refusal(call.error),
            explain=login_failures.explain,
        )
    for draft in pending.drafts(events.LOGIN_FAILURE):
        if draft.explain is login_failures.explain:
            # Another package may have told of it, and look for the name elsewhere.
            draft.username, draft.email = draft.username or name, draft.email or email
            draft.metadata.update(via=VIA, method="password")
            draft.explain = _name_by_phone if "phone" in credentials else _name_by_address


def _refusal(error: ValidationError) -> dict[str, Any]:
    code = getattr(error, "code", None) or ""
    if code == THROTTLED:
        return {"reason": "throttled"}
    return {"reason": "backend_refused", "code": code}


def on_limit_asked(call: calls.Call) -> None:
    """Record a right password that has come too often."""
    if call.result:
        recorder.note(
            events.LOGIN_FAILURE,
            request=call.facts["request"],
            user=call.facts["login"].user,
            metadata={"reason": "throttled", "via": VIA, "method": "password"},
        )


def on_login_form_cleaned(form: Any) -> None:
    """Record a name that the form refused before anybody was asked."""
    fields = (*_NAMES, "password")
    refused = [name for name in fields if calls.error_codes(form, name) & _MALFORMED]
    if refused:
        typed = (str(form.data.get(form.add_prefix(name)) or "") for name in _NAMES)
        recorder.note(
            events.LOGIN_FAILURE,
            request=getattr(form, "request", None),
            username=next(filter(None, typed), ""),
            metadata={"reason": "malformed", "field": refused[0], "via": VIA},
            explain=login_failures.explain,
        )


def on_code_request_cleaned(form: Any) -> None:
    """Record a request for a login code that was refused."""
    codes = calls.error_codes(form)
    if not codes & {"unknown_email", "unknown_phone", THROTTLED}:
        return
    email, phone = (str(form.data.get(form.add_prefix(n)) or "") for n in ("email", "phone"))
    metadata = {"via": VIA, "method": "code"}
    if THROTTLED in codes:
        metadata["reason"] = "throttled"
    recorder.note(
        events.LOGIN_FAILURE,
        username=email or phone,
        email=email,
        metadata=metadata,
        explain=_name_by_address if email else _name_by_phone,
    )


def on_login_code_refused(call: calls.Call) -> None:
    """Record a wrong login code, also one for an address that nobody has.

    The signal tells only of accounts (allauth/account/internal/flows/login_by_code.py).
    """
    process = call.facts["self"]
    user = process.user
    if process.state.get("initiated_by_user") is False:
        metadata = {"reason": "invalid_code", "via": VIA, "kind": "code"}
        recorder.note(
            events.MFA_CHALLENGE_FAILURE, request=process.request, user=user, metadata=metadata
        )
        return
    email, phone = (str(process.state.get(name) or "") for name in ("email", "phone"))
    recorder.note(
        events.LOGIN_FAILURE,
        request=process.request,
        user=user,
        username="" if user is not None else email or phone,
        email="" if user is not None else email,
        metadata={"via": VIA, "method": "code", **_wrong_code(user)},
        explain=login_failures.explain if user is None else None,
    )


def _wrong_code(user: Any) -> dict[str, str]:
    # Why nobody was found is looked up at the flush.
    return {"reason": "invalid_code"} if user is not None else {}


def _name_by_address(draft: Draft) -> bool:
    """Name the account that has the typed address besides its own, at the flush."""
    from allauth.account.models import EmailAddress

    rows = EmailAddress._base_manager.filter(email=draft.email.lower())
    found = list(rows.select_related("user")[:2])
    return _name(draft, found[0].user if len(found) == 1 else None)


def _name_by_phone(draft: Draft) -> bool:
    """Name the account that the project's adapter finds by the typed number, at the flush."""
    from allauth.account.adapter import get_adapter

    return _name(draft, get_adapter().get_user_by_phone(draft.username))


def _name(draft: Draft, owner: Any) -> bool:
    if owner is not None:
        typed = draft.username or draft.email
        draft.username, draft.email = owner.get_username(), ""
        login_failures.explain(draft)
        if typed not in (draft.username, draft.email):
            draft.metadata["typed"] = typed
        return True
    return login_failures.explain(draft)


CALLS = {
    "account.adapter.DefaultAccountAdapter.authenticate": on_authenticated,
    "account.internal.flows.login.is_login_rate_limited": on_limit_asked,
    "account.internal.flows.login_by_code.LoginCodeVerificationProcess.record_invalid_attempt": (
        on_login_code_refused
    ),
}
FORMS = {
    "account.forms.LoginForm": on_login_form_cleaned,
    "account.forms.RequestLoginCodeForm": on_code_request_cleaned,
    "headless.account.inputs.LoginInput": on_login_form_cleaned,
}

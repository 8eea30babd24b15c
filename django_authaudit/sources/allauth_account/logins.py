"""How somebody has signed in, or confirmed to be there still."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django_authaudit import context, events, recorder
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources.allauth_account.words import THROTTLED, VIA

_ENDS_OF_SIGNUP = {
    events.ACCOUNT_CREATED: "signup",
    events.MFA_ENROLLED: "signup",
    events.ACCOUNT_EMAIL_VERIFIED: "email_verification",
}


def on_user_logged_in(sender: Any, request: Any = None, user: Any = None, **kwargs: Any) -> None:
    """Say how the account of Django's own signal has signed in."""
    draft = pending.last(events.LOGIN_SUCCESS, user)
    if draft is not None:
        draft.metadata.update(via=VIA, **_ways(_steps(request, user), user))


def on_user_signed_up(sender: Any, request: Any = None, user: Any = None, **kwargs: Any) -> None:
    """Say that the new account has made itself."""
    draft = pending.last(events.ACCOUNT_CREATED, user)
    if draft is not None:
        draft.metadata["via"] = VIA


def on_step_completed(
    sender: Any, request: Any = None, user: Any = None, method: Any = "", **facts: Any
) -> None:
    """Record a reauthentication, a second factor, or a first one that leads nowhere."""
    step = {"method": method, **facts}
    if facts.get("reauthenticated"):
        recorder.note(
            events.REAUTHENTICATION_SUCCESS,
            request=_as_it_is_now(request),
            user=user,
            metadata={"via": VIA, "method": _kind(step)},
        )
    elif method == "code" and _asked_for_code(request) is False:
        metadata = {"via": VIA, "kind": "code"}
        recorder.note(events.MFA_CHALLENGE_SUCCESS, request=request, user=user, metadata=metadata)
    elif not user.is_active and method != "password" and len(_steps(request, user)) == 1:
        # Of a password Django's own signal tells.
        metadata = {"reason": "inactive", "via": VIA, "method": _kind(step)}
        recorder.note(events.LOGIN_FAILURE, request=request, user=user, metadata=metadata)


def on_reauthentication_cleaned(form: Any) -> None:
    """Record what is no failed login, though Django's signal says so."""
    if (
        not calls.error_codes(form) & {"incorrect_password", THROTTLED}
        or context.current() is None
    ):
        return
    told = pending.last(events.LOGIN_FAILURE)
    reason = told.metadata.get("reason") if told is not None else None
    metadata = {"reason": reason or "invalid_password", "via": VIA, "method": "password"}
    if told is not None:
        pending.turn_into(told, events.REAUTHENTICATION_FAILURE, form.user, **metadata)
    else:
        recorder.note(events.REAUTHENTICATION_FAILURE, user=form.user, metadata=metadata)


def _steps(request: Any, user: Any) -> list[Mapping[str, Any]]:
    """Return what allauth has noted in the session of the steps by which `user` signs in."""
    session = getattr(context.underlying(request), "session", {})
    key = user._meta.pk.value_to_string(user)
    if session.get("account_authentication_methods_user", key) != key:
        return []
    return list(session.get("account_authentication_methods") or ())


def _ways(steps: list[Mapping[str, Any]], user: Any) -> dict[str, Any]:
    """Return the first factor, and the second where there was one."""
    factors: list[str] = []
    while len(steps) > 1 and _is_second(steps[-1]):
        *steps, step = steps
        factors.append(_kind(step))
    if steps:
        ways = {"method": _kind(steps[-1])}
        ways |= {"provider": steps[-1]["provider"]} if "provider" in steps[-1] else {}
        return ways | ({"mfa": factors[0]} if factors else {})
    # A signup may end by itself, with a passkey or with an address that is verified.
    for event, method in _ENDS_OF_SIGNUP.items():
        if pending.last(event, user) is not None:
            return {"method": method}
    return {}


def _is_second(step: Mapping[str, Any]) -> bool:
    return step.get("method") == "code" or (
        step.get("method") == "mfa" and not step.get("passwordless")
    )


def _kind(step: Mapping[str, Any]) -> str:
    kind = step.get("type") or step.get("method")
    return "social" if kind == "socialaccount" else str(kind)


def _asked_for_code(request: Any) -> bool | None:
    """Return whether the login under way began with a wish for a code; None for no such login.

    Where it did not, the code is a second factor (allauth/account/internal/flows/login_by_code.py,
    `LoginCodeVerificationProcess.initiate`).
    """
    found = getattr(request, "session", {}).get("account_login")
    for key in ("state", "stages", "login_by_code", "data", "initiated_by_user"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return found if isinstance(found, bool) else None


def _as_it_is_now(request: Any) -> Any:
    """Return a copy of `request` that keeps its path and address.

    What was put off until the reauthentication is done next, and allauth has its path, method
    and META take the place of these (allauth/core/internal/httpkit.py, `deserialize_request`).
    """
    context.request_facts(request)
    kept = copy.copy(request)
    kept.resolver_match = request.resolver_match
    return kept


RECEIVERS = {
    "user_logged_in": on_user_logged_in,
    "user_signed_up": on_user_signed_up,
    "authentication_step_completed": on_step_completed,
}
FORMS = {"account.forms.ReauthenticateForm": on_reauthentication_cleaned}

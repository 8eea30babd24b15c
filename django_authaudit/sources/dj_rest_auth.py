"""dj-rest-auth: sign-in, sign-out and passwords over an API."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model

from django_authaudit import context, events, recorder
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import (
    calls,
    credentials,
    jwts,
    login_failures,
    pending,
    resets,
    rest_views,
)
from django_authaudit.sources import base

_VIA = "dj_rest_auth"
_VIEWS = "dj_rest_auth.views"
_FOUND = "_authaudit_found"


class Source(base.Source):
    """Its views and its serializer of a login: it sends no signal of its own."""

    requires = "dj_rest_auth"
    records = (
        events.LOGIN_SUCCESS,
        events.LOGIN_FAILURE,
        events.LOGOUT,
        events.TOKEN_FAILURE,
        events.PASSWORD_CHANGE_FAILURE,
        events.PASSWORD_RESET_REQUESTED,
        events.PASSWORD_RESET_COMPLETED,
        events.PASSWORD_RESET_FAILURE,
    )
    by_response = (events.PASSWORD_RESET_COMPLETED,)
    blind = (
        "Views that do not inherit from the package's, and what its serializers refuse where a "
        "project has put others in their place."
    )

    def connect(self) -> None:
        """Watch the views, and who the serializer of a login has found."""
        resets.completed_by(_completes, via=_VIA)
        rest_views.watch(f"{_VIEWS}.LoginView", on_signed_in, on_login_failed)
        rest_views.watch(f"{_VIEWS}.LogoutView", on_signed_out)
        rest_views.watch(f"{_VIEWS}.PasswordChangeView", failed=on_change_failed)
        rest_views.watch(f"{_VIEWS}.PasswordResetView", on_reset_requested, on_request_failed)
        rest_views.watch(f"{_VIEWS}.PasswordResetConfirmView", failed=on_reset_failed)
        calls.watch("dj_rest_auth.serializers.LoginSerializer.get_auth_user", on_user_found)


def _completes(request: Any) -> bool:
    from dj_rest_auth.views import PasswordResetConfirmView

    view = context.view_class(request)
    return view is not None and issubclass(view, PasswordResetConfirmView)


def on_user_found(call: calls.Call) -> None:
    """Remember whose password was right: what follows may refuse it all the same."""
    view = call.facts["self"].context.get("view")
    if view is not None and call.error is None:
        view.__dict__[_FOUND] = call.result


def on_signed_in(view: Any, response: Any) -> None:
    """Record a sign-in that gives a token only, and is told by no signal."""
    user = getattr(view, "user", None)
    # A second factor is still to come, or a social account was connected.
    if user is None or not _is_login(view):
        return
    if not pending.drafts(events.LOGIN_SUCCESS, user):
        backend = getattr(user, "backend", "")
        recorder.note(
            events.LOGIN_SUCCESS,
            request=view.request,
            user=user,
            actor=user,
            metadata={"backend": backend} if backend else {},
        )
    rest_views.mark(events.LOGIN_SUCCESS, _VIA)
    credentials.settle_owners("rest_framework")


def _is_login(view: Any) -> bool:
    registration = sys.modules.get("dj_rest_auth.registration.views")
    connecting = getattr(registration, "SocialConnectView", ())
    return not hasattr(view, "ephemeral_token") and not isinstance(view, connecting)


def on_login_failed(view: Any, error: Any) -> None:
    """Record what was refused before anybody was asked, or after the password was right."""
    if _FOUND in view.__dict__ and not rest_views.is_defect(error):
        user = view.__dict__[_FOUND]
        if user is None:
            typed = rest_views.typed(view, "username") or rest_views.typed(view, "email")
            login_failures.note_beforehand(view.request, typed)
        else:
            reason = "not_permitted" if user.is_active else "inactive"
            metadata = {"reason": reason}
            recorder.note(events.LOGIN_FAILURE, request=view.request, user=user, metadata=metadata)
    rest_views.mark(events.LOGIN_FAILURE, _VIA)


def on_signed_out(view: Any, response: Any) -> None:
    """Record a sign-out of which no signal tells, or what it was refused for."""
    if response.status_code == 401:
        _note_token_refused(view)
    elif response.status_code < 300 and pending.last(events.LOGOUT) is None:
        recorder.note(
            events.LOGOUT, request=view.request, user=context.UNKNOWN, explain=_unless_of_nobody
        )
    rest_views.mark(events.LOGOUT, _VIA)


def _note_token_refused(view: Any) -> None:
    """Record a refresh token that could not be revoked (dj_rest_auth/views.py, `LogoutView`)."""
    text = _refresh_token(view)
    explain = jwts.Package("rest_framework_simplejwt").explain_refused
    if not text:
        # In the place of a token that was not sent, the view makes one of nobody and revokes it.
        for draft in pending.drafts(events.TOKEN_CREATED) + pending.drafts(events.TOKEN_REVOKED):
            if draft.user_id is None:
                pending.drop(draft)
    recorder.note(
        events.TOKEN_FAILURE,
        request=view.request,
        user=context.UNKNOWN,
        metadata={"via": _VIA} if text else {"via": _VIA, "reason": "missing"},
        explain=partial(explain, text=text) if text else None,
    )


def _refresh_token(view: Any) -> str:
    from dj_rest_auth.app_settings import api_settings

    if api_settings.JWT_AUTH_HTTPONLY:
        return str(view.request.COOKIES.get(api_settings.JWT_AUTH_REFRESH_COOKIE, ""))
    return rest_views.typed(view, "refresh")


def on_change_failed(view: Any, error: Any) -> None:
    """Record a wrong old password."""
    if "invalid" in rest_views.codes(error, "old_password"):
        recorder.note(
            events.PASSWORD_CHANGE_FAILURE,
            request=view.request,
            user=context.UNKNOWN,
            metadata={"reason": "invalid_password", "via": _VIA},
        )


def on_reset_requested(view: Any, response: Any) -> None:
    """Record a request by a form that is not Django's, which tells of itself."""
    if view.request.method == "POST":
        resets.note_requested(view.request, rest_views.typed(view, "email"), _VIA)


def on_request_failed(view: Any, error: Any) -> None:
    """Record a request whose message was not sent."""
    if rest_views.is_defect(error):
        email = rest_views.typed(view, "email")
        resets.note_requested(view.request, email, _VIA, completed=False)


def on_reset_failed(view: Any, error: Any) -> None:
    """Record a link that is bad, expired or used."""
    if "invalid" in rest_views.codes(error, "uid", "token"):
        explain = partial(_name_owner, uid=rest_views.typed(view, "uid"))
        resets.note_refused(view.request, _VIA, explain)


def _name_owner(draft: Draft, *, uid: str) -> bool:
    """Name at the flush whose link it would have been."""
    try:
        account = credentials.find(get_user_model(), pk=_decode(uid))
    except (TypeError, ValueError, OverflowError):
        account = None
    if account is not None:
        draft.concerns(account)
    return True


def _decode(uid: str) -> Any:
    if apps.is_installed("allauth"):
        from allauth.account.utils import url_str_to_user_pk

        return url_str_to_user_pk(uid)
    from django.utils.http import urlsafe_base64_decode

    return urlsafe_base64_decode(uid).decode()


def _unless_of_nobody(draft: Draft) -> bool:
    return draft.actor_id is not None

"""Djoser: accounts over an API."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import apps

from django_authaudit import context, events, recorder
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import calls, credentials, pending, resets, rest_views
from django_authaudit.sources import base

_VIA = "djoser"


class Source(base.Source):
    """Its views, and two of its signals; the others tell what Django's own tell too."""

    requires = "djoser"
    records = (
        events.LOGIN_SUCCESS,
        events.PASSWORD_CHANGE_FAILURE,
        events.PASSWORD_RESET_REQUESTED,
        events.PASSWORD_RESET_COMPLETED,
        events.PASSWORD_RESET_FAILURE,
        events.REAUTHENTICATION_FAILURE,
        events.SSO_FAILURE,
    )
    by_response = (events.PASSWORD_RESET_COMPLETED,)
    blind = (
        "A name that is asked for by e-mail, a message of activation that is sent again, a bad "
        "link of either, and what a passkey is refused for (djoser.webauthn)."
    )

    def connect(self) -> None:
        """Watch the views, and say more of what its signals tell of."""
        from djoser import signals

        resets.completed_by(_completes, via=_VIA)
        self.listen(signals.user_registered, on_user_registered)
        self.listen(signals.user_activated, on_user_activated)
        rest_views.watch("djoser.views.UserViewSet", on_answered, on_failed)
        rest_views.watch("djoser.views.TokenCreateView", on_signed_in, on_login_failed)
        rest_views.watch("djoser.views.TokenDestroyView", on_signed_out)
        if apps.is_installed("social_django"):
            serializer = "djoser.social.serializers.ProviderAuthSerializer"
            calls.watch(f"{serializer}.validate", on_provider_asked)
            calls.watch(f"{serializer}.create", on_social_login)


def _action(request: Any) -> str:
    """Return the name of the method of `UserViewSet` that answers `request`, or nothing."""
    from djoser.views import UserViewSet

    view = context.view_class(request)
    if view is None or not issubclass(view, UserViewSet):
        return ""
    actions = getattr(request.resolver_match.func, "actions", {})
    return str(actions.get(request.method.lower(), ""))


def _completes(request: Any) -> bool:
    return _action(request) == "reset_password_confirm"


def on_user_registered(sender: Any, user: Any = None, **kwargs: Any) -> None:
    """Have an account that waits for its activation be one entry."""
    created = pending.last(events.ACCOUNT_CREATED, user)
    if created is not None:
        created.metadata["via"] = _VIA
        for draft in pending.drafts(events.ACCOUNT_DEACTIVATED, user):
            created.metadata["active"] = False
            pending.drop(draft)


def on_user_activated(sender: Any, user: Any = None, **kwargs: Any) -> None:
    """Say that the account was activated by the link that it was sent."""
    for draft in pending.drafts(events.ACCOUNT_ACTIVATED, user):
        draft.metadata["via"] = _VIA


def on_answered(view: Any, response: Any) -> None:
    """Record a request for a reset, and have an account that leaves be one entry."""
    if view.action == "reset_password":
        resets.note_requested(view.request, _email(view), _VIA)
    on_signed_out(view, response)
    for deleted in pending.drafts(events.ACCOUNT_DELETED):
        for draft in pending.drafts(events.LOGOUT) + pending.drafts(events.TOKEN_REVOKED):
            if draft.user_id == deleted.user_id:
                pending.drop(draft)
                # Who is signed out before the account goes is nobody by then.
                deleted.actor = deleted.actor or draft.actor


def on_failed(view: Any, error: Any) -> None:
    """Record what was refused for its link or its password, and a message that was not sent."""
    action = getattr(view, "action", "")
    if action == "reset_password":
        # So it is answered only where PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND is set.
        broken, codes = rest_views.is_defect(error), rest_views.codes(error)
        if broken or "email_not_found" in codes:
            resets.note_requested(view.request, _email(view), _VIA, completed=not broken)
    elif action == "reset_password_confirm":
        if rest_views.codes(error, "uid", "token") & {"invalid_uid", "invalid_token"}:
            explain = partial(_name_owner, uid=rest_views.typed(view, "uid"))
            resets.note_refused(view.request, _VIA, explain)
    elif "invalid_password" in rest_views.codes(error, "current_password"):
        _note_wrong_password(view, action)


def _note_wrong_password(view: Any, action: str) -> None:
    """Record it; who deletes or renames an account has to say it once more too."""
    changing = action == "set_password"
    recorder.note(
        events.PASSWORD_CHANGE_FAILURE if changing else events.REAUTHENTICATION_FAILURE,
        request=view.request,
        user=context.UNKNOWN,
        metadata={"reason": "invalid_password", "via": _VIA},
    )


def on_signed_in(view: Any, response: Any) -> None:
    """Say how somebody signed in, and whose act it was to make the token for it."""
    rest_views.mark(events.LOGIN_SUCCESS, _VIA)
    credentials.settle_owners("rest_framework")


def on_login_failed(view: Any, error: Any) -> None:
    """Say how somebody could not sign in."""
    rest_views.mark(events.LOGIN_FAILURE, _VIA)


def on_signed_out(view: Any, response: Any) -> None:
    """Say how somebody signed out."""
    rest_views.mark(events.LOGOUT, _VIA)


def on_provider_asked(call: calls.Call) -> None:
    """Record a sign-in by a provider that failed."""
    if call.error is None or pending.last(events.SSO_FAILURE) is not None:
        return
    error = call.error.__context__ or call.error
    recorder.note(
        events.SSO_FAILURE,
        user=context.UNKNOWN,
        metadata={
            "via": _VIA,
            "provider": _provider(call),
            "reason": str(getattr(error, "code", "") or "error"),
            "exception": type(error).__name__,
        },
    )


def on_social_login(call: calls.Call) -> None:
    """Record a sign-in by a provider: a token is given for it, and no signal sent."""
    user = call.facts["validated_data"]["user"]
    if call.error is None and user is not None and not pending.drafts(events.LOGIN_SUCCESS, user):
        metadata = {"via": _VIA, "provider": _provider(call)}
        recorder.note(events.LOGIN_SUCCESS, user=user, actor=user, metadata=metadata)


def _provider(call: calls.Call) -> str:
    return str(call.facts["self"].context["view"].kwargs["provider"])


def _email(view: Any) -> str:
    from djoser.compat import get_user_email_field_name
    from djoser.views import User

    return rest_views.typed(view, get_user_email_field_name(User))


def _name_owner(draft: Draft, *, uid: str) -> bool:
    """Name at the flush whose link it would have been."""
    from djoser.utils import decode_uid
    from djoser.views import User

    try:
        account = credentials.find(User, pk=decode_uid(uid))
    except ValueError:
        account = None
    if account is not None:
        draft.concerns(account)
    return True

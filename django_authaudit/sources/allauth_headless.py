"""What is different where django-allauth is used without its pages."""

from __future__ import annotations

from typing import Any

from django_authaudit import context, events, observers, recorder
from django_authaudit.mechanisms import calls, pending
from django_authaudit.sources import base

VIA = "allauth"


class Source(base.Source):
    """Its answers, and the tokens that it refreshes; all else is told by the other parts."""

    requires = "allauth.headless"
    records = (
        events.TOKEN_REFRESHED,
        events.TOKEN_FAILURE,
    )
    blind = "Tokens by a strategy of the project's own, and a good token that is used."

    def connect(self) -> None:
        """Look at the responses, and watch the refreshing of tokens."""
        observers.on_response(on_response, _is_headless)
        path = "allauth.headless.tokens.strategies.jwt.internal.validate_refresh_token"
        calls.watch(path, on_refresh)


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Tell an answer from a refusal, and a login by token from one that was lost.

    allauth answers 401 whenever nobody is signed in yet: after the first of two factors, after a
    logout, to who only asks.
    """
    if request.allauth.headless.client == "app":
        for draft in pending.drafts(events.LOGIN_SUCCESS):
            # The signal has named the session already, which no cookie carries.
            draft.explain = None
    status, scope = getattr(response, "status_code", 0), context.current()
    if status == 410:
        metadata = {"reason": "unknown_session", "via": VIA}
        recorder.note(events.TOKEN_FAILURE, request=request, metadata=metadata)
    elif status == 401 and scope is not None and (scope.pending or not _is_refusal(request)):
        # So that its status adds nothing.
        scope.refused = True


def on_refresh(call: calls.Call) -> None:
    """Record that a token was refreshed, or that the refresh token was no good."""
    if call.result is None:
        metadata = {"reason": "invalid_token", "via": VIA}
        recorder.note(events.TOKEN_FAILURE, metadata=metadata)
    else:
        user, _, token = call.result
        metadata = {"via": VIA, "token_id": str(token["jti"])}
        recorder.note(events.TOKEN_REFRESHED, user=user, actor=user, metadata=metadata)


def _is_headless(request: Any, response: Any, exception: BaseException | None) -> bool:
    return hasattr(getattr(request, "allauth", None), "headless")


def _is_refusal(request: Any) -> bool:
    """Return whether the view is for users who are signed in, or for a login under way."""
    from allauth.headless.account.views import ManageEmailView, ManagePhoneView
    from allauth.headless.base.views import AuthenticatedAPIView, AuthenticationStageAPIView

    guarded = (
        AuthenticatedAPIView,
        AuthenticationStageAPIView,
        ManageEmailView,
        ManagePhoneView,
    )
    view = context.view_class(request)
    return view is not None and issubclass(view, guarded) and context.signed_in(request) is None

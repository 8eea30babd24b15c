"""Passwords: a change that failed, a reset that was asked for, a reset link that is no good."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django_authaudit import context, events, observers, recorder, wraps
from django_authaudit.mechanisms import resets
from django_authaudit.sources import base


class Source(base.Source):
    """Django's forms and views; what was stored is for the source `accounts`."""

    records = (
        events.PASSWORD_CHANGE_FAILURE,
        events.PASSWORD_RESET_REQUESTED,
        events.PASSWORD_RESET_FAILURE,
    )
    by_response = (events.PASSWORD_RESET_FAILURE,)
    blind = "Forms and views that do not inherit from Django's."

    def connect(self) -> None:
        """Wrap the forms and look at the responses of the views."""
        from django.contrib.auth.forms import PasswordChangeForm, PasswordResetForm
        from django.contrib.auth.views import PasswordResetConfirmView, PasswordResetView

        wraps.after_cleaning(PasswordChangeForm, on_change_form_cleaned)
        wraps.around_reset_request(PasswordResetForm, on_reset_requested)
        views = (PasswordResetConfirmView, PasswordResetView)
        observers.on_response(on_response, partial(_comes_from, views))


def on_change_form_cleaned(form: Any) -> None:
    """Record a wrong old password."""
    if not form.is_bound:
        return
    errors = form.errors.as_data().get("old_password", ())
    if any(error.code == "password_incorrect" for error in errors):
        recorder.note(
            events.PASSWORD_CHANGE_FAILURE,
            user=form.user,
            metadata={"reason": "invalid_password"},
        )


def on_reset_requested(email: str, users: Sequence[Any], request: Any, completed: bool) -> None:
    """Record one request, whoever it is for: known and unknown addresses look alike."""
    recorder.note(
        events.PASSWORD_RESET_REQUESTED,
        request=request,
        user=users[0] if len(users) == 1 else None,
        email=email,
        outcome=None if completed else events.FAILURE,
    )


def _comes_from(views: tuple[type, ...], request: Any, response: Any, exception: Any) -> bool:
    view = context.view_class(request)
    return isinstance(view, type) and issubclass(view, views) and response is not None


def on_response(request: Any, response: Any, exception: Any) -> None:
    """Record a link that is bad, expired or used, and requests by forms that are not Django's."""
    from django.contrib.auth.views import PasswordResetConfirmView

    if issubclass(context.view_class(request), PasswordResetConfirmView):
        _look_at_link(request, response)
    elif request.method == "POST":
        _look_at_request(request, response)


def _look_at_link(request: Any, response: Any) -> None:
    view = (getattr(response, "context_data", None) or {}).get("view")
    # The first visit by a good link is a redirect, which has no view to look at.
    if getattr(view, "validlink", True):
        return
    recorder.note(
        events.PASSWORD_RESET_FAILURE,
        request=request,
        user=getattr(view, "user", None),
        metadata={"reason": "invalid_link"},
    )


def _look_at_request(request: Any, response: Any) -> None:
    if response.status_code == 302:
        resets.note_requested(request, str(request.POST.get("email", "")))

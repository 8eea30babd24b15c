"""Password resets by django-rest-passwordreset."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404

from django_authaudit import context, events
from django_authaudit.mechanisms import resets, rest_views
from django_authaudit.sources import base

_VIA = "rest_passwordreset"
_VIEWS = "django_rest_passwordreset.views"


class Source(base.Source):
    """Its views: its signals tell of known addresses only, and without the request."""

    requires = "django_rest_passwordreset"
    records = (
        events.PASSWORD_RESET_REQUESTED,
        events.PASSWORD_RESET_COMPLETED,
        events.PASSWORD_RESET_FAILURE,
    )
    by_response = (events.PASSWORD_RESET_COMPLETED,)
    blind = (
        "Whose token was refused, tokens that a project's own code makes, and views that do not "
        "inherit from the package's."
    )

    def connect(self) -> None:
        """Watch the views."""
        resets.completed_by(_completes, via=_VIA)
        request = f"{_VIEWS}.ResetPasswordRequestToken"
        rest_views.watch(request, on_requested, on_request_failed)
        rest_views.watch(f"{_VIEWS}.ResetPasswordConfirm", failed=on_token_failed)
        rest_views.watch(f"{_VIEWS}.ResetPasswordValidateToken", failed=on_token_failed)


def _completes(request: Any) -> bool:
    from django_rest_passwordreset.views import ResetPasswordConfirm

    view = context.view_class(request)
    return view is not None and issubclass(view, ResetPasswordConfirm)


def on_requested(view: Any, response: Any) -> None:
    """Record a request that is answered alike for known and unknown addresses."""
    if view.request.method == "POST":
        resets.note_requested(view.request, rest_views.typed(view, "email"), _VIA)


def on_request_failed(view: Any, error: Any) -> None:
    """Record a request that the sending of the message has broken, or for an unknown address.

    The latter is an error where DJANGO_REST_PASSWORDRESET_NO_INFORMATION_LEAKAGE is False, and the
    same one as for what is no address at all.
    """
    email, broken = rest_views.typed(view, "email"), rest_views.is_defect(error)
    if broken or (rest_views.codes(error, "email") and _is_address(email)):
        resets.note_requested(view.request, email, _VIA, completed=not broken)


def on_token_failed(view: Any, error: Any) -> None:
    """Record a token that is bad, expired or used."""
    if isinstance(error, Http404):
        resets.note_refused(view.request, _VIA)


def _is_address(typed: str) -> bool:
    try:
        validate_email(typed)
    except ValidationError:
        return False
    return True

"""Impersonation by django-impersonate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import SESSION_KEY

from django_authaudit import context, events, observers
from django_authaudit.mechanisms import impersonation
from django_authaudit.sources import base

VIA = "impersonate"


class Source(base.Source):
    """Its two signals, the session, and the redirect that is all that a refusal shows.

    The account in the session stays that of the real person; the package's middleware replaces
    ``request.user``.
    """

    requires = "impersonate"
    records = (events.IMPERSONATION_STARTED, events.IMPERSONATION_ENDED, events.FORBIDDEN)
    blind = (
        "An impersonation that ends with its session, or because its account or the right "
        "to it is gone."
    )

    def connect(self) -> None:
        """Connect the signals and look at the responses."""
        from django.contrib.auth.signals import user_logged_out
        from impersonate import signals

        context.real_people[VIA] = accounts_of
        self.listen(signals.session_begin, on_session_begin)
        self.listen(signals.session_end, on_session_end)
        self.listen(user_logged_out, impersonation.on_user_logged_out)
        observers.on_response(on_redirect, _is_from_the_beginning)


def accounts_of(request: Any) -> Sequence[Any]:
    """Return the keys of the real person and of the account acted as."""
    target = impersonation.kept(request, "_impersonate")
    return (impersonation.kept(request, SESSION_KEY), target) if target is not None else ()


def on_session_begin(sender: Any, request: Any, impersonating: Any, **kwargs: Any) -> None:
    """Record a beginning."""
    impersonation.started(request, impersonating, VIA)


def on_session_end(
    sender: Any, request: Any, impersonator: Any, impersonating: Any, **kwargs: Any
) -> None:
    """Record an end; the session knows nothing of it any more."""
    impersonation.ended(request, impersonating, VIA, actor=impersonator)


def on_redirect(request: Any, response: Any, exception: Any) -> None:
    """Record that the view was asked to begin, and redirected without doing so."""
    impersonation.refused(request, VIA)


def _is_from_the_beginning(request: Any, response: Any, exception: Any) -> bool:
    match = request.resolver_match
    status = getattr(response, "status_code", None)
    return status == 302 and getattr(match, "url_name", "") == "impersonate-start"

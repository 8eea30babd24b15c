"""Impersonation by django-hijack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_authaudit import context, events
from django_authaudit.mechanisms import calls, impersonation
from django_authaudit.sources import base

VIA = "hijack"


class Source(base.Source):
    """Its two signals, and the session, which knows who hijacked whom."""

    requires = "hijack"
    records = (events.IMPERSONATION_STARTED, events.IMPERSONATION_ENDED)
    blind = (
        "An impersonation that ends with the age of its session, under another login, or because "
        "the account's password is changed."
    )

    def connect(self) -> None:
        """Connect the signals and keep the package's ``login()`` from being one.

        Both views call it by that name (hijack/views.py, `AcquireUserView` and
        `ReleaseUserView`), and Django's signal comes before the package's own.
        """
        from django.contrib.auth.signals import user_logged_out
        from hijack import signals, views

        context.real_people[VIA] = accounts_of
        self.listen(signals.hijack_started, on_hijack_started)
        self.listen(signals.hijack_ended, on_hijack_ended)
        self.listen(user_logged_out, impersonation.on_user_logged_out)
        calls.replace(views, "login", impersonation.without_login)


def accounts_of(request: Any) -> Sequence[Any]:
    """Return the keys of who has hijacked whom: one may hijack again as another."""
    return impersonation.chain(request, *(impersonation.kept(request, "hijack_history") or ()))


def on_hijack_started(
    sender: Any, request: Any, hijacker: Any, hijacked: Any, **kwargs: Any
) -> None:
    """Record a beginning; the session holds all of them by now."""
    again = len(accounts_of(request)) > 2
    facts = {"through": hijacker.get_username()} if again else {}
    impersonation.started(request, hijacked, VIA, **facts)


def on_hijack_ended(sender: Any, request: Any, hijacked: Any, **kwargs: Any) -> None:
    """Record an end."""
    impersonation.ended(request, hijacked, VIA)

"""Sign-in, reauthentication, passwords and addresses by django-allauth."""

from __future__ import annotations

from django.apps import apps

from django_authaudit import events
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls
from django_authaudit.sources import base
from django_authaudit.sources.allauth_account import addresses, failures, logins, passwords


class Source(base.Source):
    """Its signals, and for what they do not tell its adapter, forms, codes and addresses."""

    requires = "allauth.account"
    records = (
        events.LOGIN_SUCCESS,
        events.LOGIN_FAILURE,
        events.MFA_CHALLENGE_SUCCESS,
        events.MFA_CHALLENGE_FAILURE,
        events.REAUTHENTICATION_SUCCESS,
        events.REAUTHENTICATION_FAILURE,
        events.PASSWORD_CHANGED,
        events.PASSWORD_CHANGE_FAILURE,
        events.PASSWORD_RESET_REQUESTED,
        events.PASSWORD_RESET_COMPLETED,
        events.PASSWORD_RESET_FAILURE,
        events.ACCOUNT_CREATED,
        events.ACCOUNT_EMAIL_CHANGED,
        events.ACCOUNT_EMAIL_VERIFIED,
    )
    blind = (
        "A login code that is asked for, a signup that is refused, a phone number that is changed "
        "or verified, and forms that do not inherit from allauth's."
    )

    def connect(self) -> None:
        """Connect the signals, and watch what happens without one."""
        from allauth.account import signals
        from allauth.account.models import EmailAddress
        from django.db.models.signals import post_save, pre_save

        self.listen(pre_save, addresses.on_pre_save_address, sender=EmailAddress)
        self.listen(post_save, addresses.on_post_save_address, sender=EmailAddress)
        for part in (logins, passwords, addresses):
            for name, receiver in part.RECEIVERS.items():
                with guard(f"connecting {name}"):
                    self.listen(getattr(signals, name), receiver)
        for path, callback in {**failures.CALLS, **passwords.CALLS, **addresses.CALLS}.items():
            calls.watch(f"allauth.{path}", callback)
        for path, look_at in {**logins.FORMS, **failures.FORMS, **passwords.FORMS}.items():
            if not path.startswith("headless.") or apps.is_installed("allauth.headless"):
                calls.watch_form(f"allauth.{path}", look_at)

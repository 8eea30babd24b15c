"""Second factors by django-two-factor-auth, which builds on django-otp."""

from __future__ import annotations

from typing import Any

from django_authaudit import events
from django_authaudit.mechanisms import otp_codes, otp_devices, pending
from django_authaudit.sources import base

_PASSED = (events.MFA_CHALLENGE_SUCCESS, events.MFA_RECOVERY_CODE_USED)


class Source(base.Source):
    """The devices and forms that it has from django-otp, and those of its own.

    All of it is followed once, whether or not the source of django-otp is connected too.
    """

    requires = "two_factor"
    records = (
        events.MFA_ENROLLED,
        events.MFA_REMOVED,
        events.MFA_RECOVERY_CODES_GENERATED,
        events.MFA_RECOVERY_CODE_USED,
        events.MFA_CHALLENGE_SUCCESS,
        events.MFA_CHALLENGE_FAILURE,
    )
    blind = (
        "A wrong code while a device is being set up, a code of the wrong length, and a browser "
        "that is remembered or whose remembrance is refused."
    )

    def connect(self) -> None:
        """Follow the devices and the forms, and the signal of a completed login."""
        from django_otp.forms import OTPAuthenticationFormMixin
        from django_otp.models import Device
        from two_factor.signals import user_verified

        otp_devices.follow_devices(self.listen, Device)
        otp_codes.follow_codes(Device, OTPAuthenticationFormMixin)
        self.listen(user_verified, on_user_verified)


def on_user_verified(sender: Any, user: Any = None, **kwargs: Any) -> None:
    """Say of a login that a remembered browser stood for the code: that is no challenge."""
    login = pending.last(events.LOGIN_SUCCESS, user)
    if login is not None and not any(pending.last(event, user) for event in _PASSED):
        login.metadata["mfa"] = "remembered"

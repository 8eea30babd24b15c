"""Second factors by django-otp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django_authaudit import context, events
from django_authaudit.mechanisms import calls, otp_codes, otp_devices
from django_authaudit.sources import base


class Source(base.Source):
    """The rows of its devices and what they say of a code, by whichever form or view."""

    requires = "django_otp"
    records = (
        events.MFA_ENROLLED,
        events.MFA_REMOVED,
        events.MFA_RECOVERY_CODES_GENERATED,
        events.MFA_RECOVERY_CODE_USED,
        events.MFA_CHALLENGE_SUCCESS,
        events.MFA_CHALLENGE_FAILURE,
        events.LOGIN_FAILURE,
    )
    blind = (
        "A wrong code while a device is being set up, a device whose secret is replaced in "
        "place, codes made by bulk_create(), and codes that are deleted but not used."
    )

    def connect(self) -> None:
        """Follow the devices, the forms, and the view that confirms a session."""
        from django_otp.forms import OTPAuthenticationFormMixin
        from django_otp.models import Device
        from django_otp.views import LoginView

        otp_devices.follow_devices(self.listen, Device)
        otp_codes.follow_codes(Device, OTPAuthenticationFormMixin)
        calls.replace(LoginView, "form_valid", _around_form_valid)


def _around_form_valid(original: Callable[..., Any]) -> Callable[..., Any]:
    """Keep the ``login()`` of who is signed in already, and only adds a code, from being one.

    The view calls it for both of its forms (django_otp/views.py, `LoginView`).
    """
    from django_otp.forms import OTPTokenForm

    def form_valid(self: Any, form: Any) -> Any:
        if not isinstance(form, OTPTokenForm):
            return original(self, form)
        with context.same_person():
            return original(self, form)

    return form_valid

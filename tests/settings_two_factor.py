"""The tests' settings with django-two-factor-auth."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["two_factor", "phonenumbers", "webauthn"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django_otp",
    "django_otp.plugins.otp_email",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "two_factor",
    "two_factor.plugins.email",
    "two_factor.plugins.phonenumber",
    "two_factor.plugins.webauthn",
]
MIDDLEWARE = [*MIDDLEWARE, "django_otp.middleware.OTPMiddleware"]
ROOT_URLCONF = "tests.sources.urls_two_factor"
LOGIN_URL = "two_factor:login"
TWO_FACTOR_REMEMBER_COOKIE_AGE = 3600
TWO_FACTOR_SMS_GATEWAY = "tests.sources.gateways.Gateway"
TWO_FACTOR_WEBAUTHN_RP_NAME = "tests"
# Tests do not wait; those of throttling say so.
OTP_EMAIL_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = OTP_TOTP_THROTTLE_FACTOR = 0
TWO_FACTOR_PHONE_THROTTLE_FACTOR = 0

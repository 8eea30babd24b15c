"""The tests' settings with django-allauth and its second factors."""

from tests.settings_allauth_account import *  # noqa: F403
from tests.settings_allauth_account import INSTALLED_APPS

REQUIRES = ["allauth", "fido2", "qrcode"]
INSTALLED_APPS = [*INSTALLED_APPS, "allauth.mfa"]
ROOT_URLCONF = "tests.sources.urls_allauth_mfa"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_PASSKEY_SIGNUP_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = True
# So that factors may be changed without a password at once.
MFA_REAUTHENTICATION_REQUIRED = False

"""The tests' settings with all of django-allauth, and its API."""

from tests.settings_allauth_mfa import *  # noqa: F403
from tests.settings_allauth_mfa import INSTALLED_APPS

REQUIRES = ["allauth", "fido2", "jwt", "qrcode", "requests"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django.contrib.humanize",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.dummy",
    "allauth.usersessions",
    "allauth.headless",
]
ROOT_URLCONF = "tests.sources.urls_allauth_headless"
HEADLESS_JWT_ALGORITHM = "HS256"
SECRET_KEY = "for the tests only, and long enough"

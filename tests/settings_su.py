"""The tests' settings with django-su."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["django_su"]
INSTALLED_APPS = ["django_su", *INSTALLED_APPS]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "django_su.backends.SuBackend",
]
ROOT_URLCONF = "tests.sources.urls_su"

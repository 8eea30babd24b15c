"""The tests' settings with django-guardian."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["guardian"]
INSTALLED_APPS = [*INSTALLED_APPS, "guardian", "tests.guarded"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ROOT_URLCONF = "tests.sources.urls_guardian"

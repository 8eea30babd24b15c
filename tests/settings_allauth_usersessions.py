"""The tests' settings with django-allauth and its sessions."""

from tests.settings_allauth_account import *  # noqa: F403
from tests.settings_allauth_account import INSTALLED_APPS

REQUIRES = ["allauth"]
INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.humanize", "allauth.usersessions"]

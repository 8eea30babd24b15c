"""The tests' settings with Django REST framework."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "rest_framework.authtoken"]
ROOT_URLCONF = "tests.sources.urls_rest_framework"
REQUIRES = ["rest_framework"]

"""The tests' settings with simplejwt as it comes, and no table of its own."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["rest_framework", "rest_framework_simplejwt"]
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "rest_framework_simplejwt"]
ROOT_URLCONF = "tests.sources.urls_simplejwt"
SIMPLE_JWT = {"SIGNING_KEY": "a key of the tests, and long enough for the algorithm"}

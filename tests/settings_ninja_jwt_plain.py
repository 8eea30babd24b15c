"""The tests' settings with django-ninja-jwt as it is used without its blacklist."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["ninja_jwt"]
INSTALLED_APPS = [*INSTALLED_APPS, "ninja_extra"]
NINJA_JWT = {"SIGNING_KEY": "tests only, and long enough for the algorithm"}
ROOT_URLCONF = "tests.sources.urls_ninja_jwt"

"""The tests' settings with knox."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["rest_framework", "knox"]
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "knox"]
ROOT_URLCONF = "tests.sources.urls_knox"

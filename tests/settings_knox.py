"""The tests' settings with knox, beside the tokens of the framework itself."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["rest_framework", "knox"]
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "rest_framework.authtoken", "knox"]
ROOT_URLCONF = "tests.sources.urls_knox"

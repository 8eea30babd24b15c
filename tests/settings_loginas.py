"""The tests' settings with django-loginas."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["loginas"]
INSTALLED_APPS = [*INSTALLED_APPS, "loginas"]
ROOT_URLCONF = "tests.sources.urls_loginas"
LOGIN_REDIRECT_URL = "/"

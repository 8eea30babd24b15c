"""The tests' settings with an app before ours whose receivers raise."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

INSTALLED_APPS = ["tests.raising", *INSTALLED_APPS]
ROOT_URLCONF = "tests.sources.urls"

"""The tests' settings with django-axes, in an order of the apps that the environment chooses."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["axes"]
FIRST = os.environ.get("FIRST_APPS", "").split()
INSTALLED_APPS = [*FIRST, *(app for app in [*INSTALLED_APPS, "axes"] if app not in FIRST)]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 3
AXES_VERBOSE = False
ROOT_URLCONF = "tests.sources.urls"

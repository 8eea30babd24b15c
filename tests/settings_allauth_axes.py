"""The tests' settings with django-allauth behind the lockouts of django-axes."""

from tests.settings_allauth_account import *  # noqa: F403
from tests.settings_allauth_account import AUTHENTICATION_BACKENDS, INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["allauth", "axes"]
INSTALLED_APPS = [*INSTALLED_APPS, "axes"]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", *AUTHENTICATION_BACKENDS]
AXES_FAILURE_LIMIT = 2
AXES_VERBOSE = False
ACCOUNT_RATE_LIMITS = False

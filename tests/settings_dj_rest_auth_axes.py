"""The tests' settings with dj-rest-auth behind the lockouts of django-axes."""

from tests.settings_dj_rest_auth_jwt import *  # noqa: F403
from tests.settings_dj_rest_auth_jwt import AUTHENTICATION_BACKENDS, INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["dj_rest_auth", "rest_framework", "rest_framework_simplejwt", "axes"]
INSTALLED_APPS = [*INSTALLED_APPS, "axes"]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", *AUTHENTICATION_BACKENDS]
AXES_FAILURE_LIMIT = 2
AXES_VERBOSE = False

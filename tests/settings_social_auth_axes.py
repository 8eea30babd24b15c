"""The tests' settings with social-auth-app-django beside the lockouts of django-axes."""

from tests.settings_social_auth import *  # noqa: F403
from tests.settings_social_auth import AUTHENTICATION_BACKENDS, INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["social_django", "axes"]
INSTALLED_APPS = [*INSTALLED_APPS, "axes"]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", *AUTHENTICATION_BACKENDS]
AXES_FAILURE_LIMIT = 2
AXES_VERBOSE = False

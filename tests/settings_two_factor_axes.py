"""The tests' settings with django-two-factor-auth behind the lockouts of django-axes."""

from tests.settings_two_factor import *  # noqa: F403
from tests.settings_two_factor import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["two_factor", "phonenumbers", "webauthn", "axes"]
INSTALLED_APPS = [*INSTALLED_APPS, "axes"]
MIDDLEWARE = [*MIDDLEWARE, "axes.middleware.AxesMiddleware"]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 2
AXES_VERBOSE = False
# What the form calls the name; its backend does not, and axes finds none then.
AXES_USERNAME_FORM_FIELD = "auth-username"

"""The tests' settings with social-auth-app-django."""

import warnings

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["social_django"]

with warnings.catch_warnings():
    # What the package imports for OpenID 2 is older than its own warnings.
    warnings.simplefilter("ignore", DeprecationWarning)
    import social_core.store  # noqa: F401

INSTALLED_APPS = [*INSTALLED_APPS, "social_django"]
MIDDLEWARE = [*MIDDLEWARE, "social_django.middleware.SocialAuthExceptionMiddleware"]
AUTHENTICATION_BACKENDS = [
    "tests.sources.harbour.Harbour",
    "django.contrib.auth.backends.ModelBackend",
]
ROOT_URLCONF = "tests.sources.urls_social_auth"
SOCIAL_AUTH_HARBOUR_KEY = "client-of-the-harbour"
SOCIAL_AUTH_HARBOUR_SECRET = "client-secret-of-the-harbour"
SOCIAL_AUTH_LOGIN_ERROR_URL = "/login/?failed"

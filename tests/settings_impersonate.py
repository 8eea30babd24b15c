"""The tests' settings with django-impersonate."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["impersonate"]
INSTALLED_APPS = [*INSTALLED_APPS, "impersonate"]
MIDDLEWARE = [*MIDDLEWARE, "impersonate.middleware.ImpersonateMiddleware"]
ROOT_URLCONF = "tests.sources.urls_impersonate"
IMPERSONATE = {"REDIRECT_URL": "/"}

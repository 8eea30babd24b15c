"""The tests' settings with django-ratelimit, for views of Django and of its REST framework."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["django_ratelimit", "rest_framework"]
INSTALLED_APPS = [*INSTALLED_APPS, "django_ratelimit", "rest_framework"]
# The package cannot know that the tests are one process.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]
WITHOUT_ITS_MIDDLEWARE = MIDDLEWARE
MIDDLEWARE = [*MIDDLEWARE, "django_ratelimit.middleware.RatelimitMiddleware"]
RATELIMIT_VIEW = "tests.sources.views_ratelimit.too_often"
ROOT_URLCONF = "tests.sources.urls_ratelimit"

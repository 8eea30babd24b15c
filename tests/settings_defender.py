"""The tests' settings with django-defender, which keeps its locks in Redis."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["defender"]
INSTALLED_APPS = [*INSTALLED_APPS, "defender"]
MIDDLEWARE = [*MIDDLEWARE, "defender.middleware.FailedLoginMiddleware"]
DEFENDER_REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")
# Parallel runs must not share their locks.
DEFENDER_CACHE_PREFIX = f"authaudit-tests-{os.getpid()}"
DEFENDER_LOGIN_FAILURE_LIMIT = 2
ROOT_URLCONF = "tests.sources.urls_defender"

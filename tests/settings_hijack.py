"""The tests' settings with django-hijack."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["hijack"]
INSTALLED_APPS = [*INSTALLED_APPS, "hijack", "hijack.contrib.admin"]
MIDDLEWARE = [*MIDDLEWARE, "hijack.middleware.HijackUserMiddleware"]
ROOT_URLCONF = "tests.sources.urls_hijack"
HIJACK_PERMISSION_CHECK = "hijack.permissions.superusers_and_staff"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"

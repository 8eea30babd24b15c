"""The tests' settings with django-two-factor-auth before the admin, and django-hijack in it."""

from tests.settings_two_factor import *  # noqa: F403
from tests.settings_two_factor import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["two_factor", "phonenumbers", "webauthn", "hijack"]
INSTALLED_APPS = [*INSTALLED_APPS, "hijack", "hijack.contrib.admin"]
MIDDLEWARE = [*MIDDLEWARE, "hijack.middleware.HijackUserMiddleware"]
ROOT_URLCONF = "tests.sources.urls_two_factor_admin"
HIJACK_PERMISSION_CHECK = "hijack.permissions.superusers_and_staff"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "/"
# Or that package's own form would stand in the place of django-otp's.
TWO_FACTOR_PATCH_ADMIN = False

"""The tests' settings with a user model of another shape."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

AUTH_USER_MODEL = "plain_users.PlainUser"
INSTALLED_APPS = [
    app for app in INSTALLED_APPS if app not in ("tests.users", "django.contrib.admin")
]
INSTALLED_APPS += ["tests.plain_users"]
ROOT_URLCONF = "tests.urls_plain"

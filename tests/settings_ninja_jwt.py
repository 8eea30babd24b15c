"""The tests' settings with django-ninja-jwt and its blacklist."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["ninja_jwt"]
INSTALLED_APPS = [*INSTALLED_APPS, "ninja_extra", "ninja_jwt", "ninja_jwt.token_blacklist"]
NINJA_JWT = {
    "AUTH_TOKEN_CLASSES": ["ninja_jwt.tokens.AccessToken", "ninja_jwt.tokens.SlidingToken"],
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "SIGNING_KEY": "tests only, and long enough for the algorithm",
}
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
ROOT_URLCONF = "tests.sources.urls_ninja_jwt"

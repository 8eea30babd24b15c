"""The tests' settings with dj-rest-auth that gives and renews the tokens of simplejwt."""

from tests.settings_dj_rest_auth import *  # noqa: F403
from tests.settings_dj_rest_auth import REST_AUTH, SIMPLE_JWT

REQUIRES = ["dj_rest_auth", "rest_framework", "rest_framework_simplejwt"]
# The package decides by it, when its URLs are read, which of them there are.
REST_AUTH = {**REST_AUTH, "USE_JWT": True, "SESSION_LOGIN": False, "TOKEN_MODEL": None}
SIMPLE_JWT = {**SIMPLE_JWT, "ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True}

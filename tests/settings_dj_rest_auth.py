"""The tests' settings with dj-rest-auth: with sessions, with tokens, and with JSON Web Tokens."""

from datetime import timedelta

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["dj_rest_auth", "rest_framework", "rest_framework_simplejwt"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "rest_framework",
    "rest_framework.authtoken",
    "rest_framework_simplejwt.token_blacklist",
    "dj_rest_auth",
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "dj_rest_auth.jwt_auth.JWTCookieAuthentication",
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
}
REST_AUTH = {
    "OLD_PASSWORD_FIELD_ENABLED": True,
    "JWT_AUTH_COOKIE": "access",
    "JWT_AUTH_REFRESH_COOKIE": "refresh",
}
SIMPLE_JWT: dict[str, object] = {"REFRESH_TOKEN_LIFETIME": timedelta(days=1)}
# Long enough for the algorithm of the tokens.
SECRET_KEY = "tests only, and long enough for the algorithm"
ROOT_URLCONF = "tests.sources.urls_dj_rest_auth"

"""The tests' settings with dj-rest-auth and django-allauth under it, and with tokens alone."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["dj_rest_auth", "rest_framework", "allauth", "allauth.socialaccount"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "django.contrib.sites",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "rest_framework",
    "rest_framework.authtoken",
    "dj_rest_auth",
    "dj_rest_auth.registration",
]
MIDDLEWARE = [*MIDDLEWARE, "allauth.account.middleware.AccountMiddleware"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.TokenAuthentication"]
}
SITE_ID = 1
ACCOUNT_EMAIL_VERIFICATION = "optional"
REST_AUTH = {"SESSION_LOGIN": False}
ROOT_URLCONF = "tests.sources.urls_dj_rest_auth_allauth"

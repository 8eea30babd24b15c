"""The tests' settings with mozilla-django-oidc; the provider's address comes from a test."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE

REQUIRES = ["mozilla_django_oidc", "rest_framework"]

INSTALLED_APPS = [*INSTALLED_APPS, "mozilla_django_oidc", "rest_framework"]
MIDDLEWARE = [*MIDDLEWARE, "mozilla_django_oidc.middleware.SessionRefresh"]
AUTHENTICATION_BACKENDS = [
    "mozilla_django_oidc.auth.OIDCAuthenticationBackend",
    "django.contrib.auth.backends.ModelBackend",
]
ROOT_URLCONF = "tests.sources.urls_mozilla_oidc"
OIDC_RP_CLIENT_ID = "client-of-the-harbour"
OIDC_RP_CLIENT_SECRET = "client-secret-of-the-harbour-which-is-long"
OIDC_OP_AUTHORIZATION_ENDPOINT = "http://127.0.0.1/authorize"
OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1/token"
OIDC_OP_USER_ENDPOINT = "http://127.0.0.1/user"
OIDC_USE_PKCE = True
LOGIN_REDIRECT_URL_FAILURE = "/login/?failed"

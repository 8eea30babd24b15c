"""The tests' settings with Djoser, its tokens and its sign-in by a provider."""

import warnings

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["djoser", "rest_framework", "rest_framework_simplejwt", "social_django"]

with warnings.catch_warnings():
    # What the package imports for OpenID 2 is older than its own warnings.
    warnings.simplefilter("ignore", DeprecationWarning)
    import social_core.store  # noqa: F401

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "rest_framework",
    "rest_framework.authtoken",
    "social_django",
    "djoser",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "tests.sources.harbour.Harbour",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "EXCEPTION_HANDLER": "tests.sources.urls_djoser.handle",
}
CALLBACK = "https://harbour.example/callback"
DJOSER = {
    "ACTIVATION_URL": "activate/{uid}/{token}/",
    "PASSWORD_RESET_CONFIRM_URL": "reset/{uid}/{token}/",
    "USERNAME_RESET_CONFIRM_URL": "rename/{uid}/{token}/",
    "SOCIAL_AUTH_ALLOWED_REDIRECT_URIS": [CALLBACK],
}
# Long enough for the algorithm of the tokens that a sign-in by a provider gives.
SECRET_KEY = "tests only, and long enough for the algorithm"
SOCIAL_AUTH_HARBOUR_KEY = "client-of-the-harbour"
SOCIAL_AUTH_HARBOUR_SECRET = "client-secret-of-the-harbour"
ROOT_URLCONF = "tests.sources.urls_djoser"

"""The tests' settings with django-rest-passwordreset."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["django_rest_passwordreset", "rest_framework"]
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "django_rest_passwordreset"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
]
REST_FRAMEWORK = {"EXCEPTION_HANDLER": "tests.sources.urls_rest_passwordreset.handle"}
ROOT_URLCONF = "tests.sources.urls_rest_passwordreset"

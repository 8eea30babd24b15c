"""The tests' settings with djangorestframework-api-key."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["rest_framework", "rest_framework_api_key"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "rest_framework",
    "rest_framework_api_key",
    "tests.token_owners",
]
ROOT_URLCONF = "tests.sources.urls_api_key"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"]
}

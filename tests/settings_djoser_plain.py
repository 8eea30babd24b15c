"""The tests' settings with Djoser as it is used with tokens that are no rows, and no provider."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["djoser", "rest_framework"]
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "djoser"]
DJOSER = {
    "TOKEN_MODEL": None,
    "PASSWORD_RESET_CONFIRM_URL": "reset/{uid}/{token}/",
    "SERIALIZERS": {"token": "rest_framework.serializers.Serializer"},
}
ROOT_URLCONF = "tests.sources.urls_djoser_plain"

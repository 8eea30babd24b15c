"""The tests' settings with simplejwt, its blacklist, and tokens that are rotated."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["rest_framework", "rest_framework_simplejwt"]
# The package itself need not stand here.
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
]
ROOT_URLCONF = "tests.sources.urls_simplejwt"
SIMPLE_JWT = {
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "SIGNING_KEY": "a key of the tests, and long enough for the algorithm",
}

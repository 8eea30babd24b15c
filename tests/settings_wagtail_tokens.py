"""The tests' settings with Wagtail."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["wagtail"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "wagtail",
    "wagtail.admin",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.users",
    "wagtail.api.v3",
    "modelcluster",
    "taggit",
]
ROOT_URLCONF = "tests.sources.urls_wagtail_tokens"
WAGTAIL_SITE_NAME = "tests"
WAGTAILADMIN_BASE_URL = "http://testserver"

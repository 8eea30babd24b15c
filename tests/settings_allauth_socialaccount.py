"""The tests' settings with django-allauth and its social accounts."""

from tests.settings_allauth_account import *  # noqa: F403
from tests.settings_allauth_account import INSTALLED_APPS

REQUIRES = ["allauth", "jwt", "requests"]
INSTALLED_APPS = [
    *INSTALLED_APPS,
    "allauth.socialaccount",
    "allauth.socialaccount.providers.dummy",
    "allauth.socialaccount.providers.github",
]
SOCIALACCOUNT_ADAPTER = "tests.sources.social_adapter.Silent"
SOCIALACCOUNT_PROVIDERS = {
    "github": {
        "APPS": [{"client_id": "the-client-id", "secret": "the-client-secret"}],
        # Where nobody listens.
        "GITHUB_URL": "http://127.0.0.1:9",
    },
}

"""The tests' settings with django-allauth, the lockouts of django-axes and the tokens of DRF."""

from tests.settings_allauth_axes import *  # noqa: F403
from tests.settings_allauth_axes import INSTALLED_APPS

REQUIRES = ["allauth", "axes", "rest_framework"]
INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework", "rest_framework.authtoken"]
ROOT_URLCONF = "tests.sources.urls_allauth_rest_framework"
AXES_FAILURE_LIMIT = 3

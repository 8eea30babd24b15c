"""The tests' settings with djangosaml2, and a provider made by pysaml2."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS, MIDDLEWARE
from tests.sources.identity import service_settings

REQUIRES = ["djangosaml2", "saml2"]

INSTALLED_APPS = [*INSTALLED_APPS, "djangosaml2"]
MIDDLEWARE = [*MIDDLEWARE, "djangosaml2.middleware.SamlSessionMiddleware"]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "djangosaml2.backends.Saml2Backend",
]
ROOT_URLCONF = "tests.sources.urls_djangosaml2"
SAML_CONFIG = service_settings()
SAML_ATTRIBUTE_MAPPING = {"uid": ("username",), "mail": ("email",)}

"""The tests' settings with django-oauth-toolkit as an OAuth and OpenID Connect server."""

from jwcrypto.jwk import JWK

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

REQUIRES = ["oauth2_provider", "rest_framework"]

INSTALLED_APPS = [*INSTALLED_APPS, "oauth2_provider", "rest_framework"]
AUTHENTICATION_BACKENDS = [
    "oauth2_provider.backends.OAuth2Backend",
    "django.contrib.auth.backends.ModelBackend",
]
ROOT_URLCONF = "tests.sources.urls_oauth_toolkit"
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
    "OIDC_RSA_PRIVATE_KEY": JWK.generate(kty="RSA", size=2048)
    .export_to_pem(private_key=True, password=None)
    .decode(),
    "OAUTH_DEVICE_VERIFICATION_URI": "https://testserver/o/device/",
    "SCOPES": {
        "read": "Read",
        "write": "Write",
        "openid": "OpenID Connect",
        "introspection": "Introspection",
    },
    "DEFAULT_SCOPES": ["read"],
}

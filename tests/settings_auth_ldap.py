"""The tests' settings with django-auth-ldap; the directory's address comes from a test."""

import ldap
from django_auth_ldap.config import GroupOfNamesType, LDAPSearch

from tests.settings import *  # noqa: F403

REQUIRES = ["django_auth_ldap", "ldap", "slapdtest"]

AUTHENTICATION_BACKENDS = [
    "django_auth_ldap.backend.LDAPBackend",
    "django.contrib.auth.backends.ModelBackend",
]
ROOT_URLCONF = "tests.sources.urls"
SUFFIX = "dc=slapd-test,dc=python-ldap,dc=org"
AUTH_LDAP_SERVER_URI = "ldap://127.0.0.1:9/"
AUTH_LDAP_USER_SEARCH = LDAPSearch(f"ou=people,{SUFFIX}", ldap.SCOPE_SUBTREE, "(uid=%(user)s)")
AUTH_LDAP_USER_ATTR_MAP = {"email": "mail"}
AUTH_LDAP_GROUP_SEARCH = LDAPSearch(
    f"ou=groups,{SUFFIX}", ldap.SCOPE_SUBTREE, "(objectClass=groupOfNames)"
)
AUTH_LDAP_GROUP_TYPE = GroupOfNamesType()

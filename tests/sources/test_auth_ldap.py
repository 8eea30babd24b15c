"""django-auth-ldap, against a directory of its own: one entry for each login that fails."""

import os
import shutil
import tempfile

import pytest
from django.contrib.auth import authenticate, login
from django.contrib.auth.signals import user_login_failed
from django.db import connection
from django_auth_ldap.backend import LDAPBackend, _LDAPUser
from slapdtest import SlapdObject

from django_authaudit import sources
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, flag, success

BACKEND = "django_auth_ldap.backend.LDAPBackend"
AT = "POST /login/"
DIRECTORY_PASSWORD = "password-in-the-directory"
ENTRIES = """dn: {suffix}
objectClass: dcObject
objectClass: organization
o: Harbour
dc: slapd-test

dn: ou=people,{suffix}
objectClass: organizationalUnit

dn: ou=groups,{suffix}
objectClass: organizationalUnit

dn: uid=bob,ou=people,{suffix}
objectClass: inetOrgPerson
cn: Bob
sn: Bob
mail: bob@example.org
employeeNumber: 078-05-1120
userPassword: {password}

dn: cn=staff,ou=groups,{suffix}
objectClass: groupOfNames
member: uid=bob,ou=people,{suffix}

dn: cn=others,ou=groups,{suffix}
objectClass: groupOfNames
member: uid=nobody,ou=people,{suffix}
"""

pytestmark = pytest.mark.skipif(
    shutil.which("slapd", path=SlapdObject.SBIN_PATH) is None
    and not os.environ.get("AUTHAUDIT_ECOSYSTEM"),
    reason="needs slapd",
)


class Directory(SlapdObject):  # type: ignore[misc]  # has no types
    TMPDIR = tempfile.gettempdir()
    root_pw = "password-of-the-reader"
    openldap_schema_files = ("core.ldif", "cosine.ldif", "inetorgperson.ldif")


@pytest.fixture(scope="module")
def running():
    with Directory() as directory:
        directory.ldapadd(ENTRIES.format(suffix=directory.suffix, password=DIRECTORY_PASSWORD))
        yield directory


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def directory(running, settings, secrets):
    secrets.learn(DIRECTORY_PASSWORD, "078-05-1120", running.root_pw)
    settings.AUTH_LDAP_SERVER_URI = running.ldap_uri
    settings.AUTH_LDAP_BIND_DN = running.root_dn
    settings.AUTH_LDAP_BIND_PASSWORD = running.root_pw
    return running


@pytest.fixture
def down(settings):
    settings.AUTH_LDAP_SERVER_URI = "ldap://127.0.0.1:9/"


def group(name, directory):
    return f"cn={name},ou=groups,{directory.suffix}"


def sign_in(client, name="bob", password=DIRECTORY_PASSWORD):
    return client.post("/login/", {"username": name, "password": password})


def failed(user=None, **facts):
    return failure("auth.login.failure", user=user, at=AT, **facts)


def test_a_login_is_a_login(client, bob, directory, log):
    assert sign_in(client).status_code == 302

    facts = {"at": AT, "backend": BACKEND}
    assert log.new() == [success("auth.login.success", user=bob, actor=bob, **facts)]


def test_a_login_under_a_name_in_another_case_is_of_the_same_account(client, bob, directory, log):
    assert sign_in(client, "BOB").status_code == 302

    facts = {"at": AT, "backend": BACKEND}
    assert log.new() == [success("auth.login.success", user=bob, actor=bob, **facts)]


def test_a_first_login_makes_the_account_and_gives_its_roles(client, directory, log, settings):
    settings.AUTH_LDAP_USER_FLAGS_BY_GROUP = {"is_staff": group("staff", directory)}
    sign_in(client)

    rows = log.new()
    assert [row["event"] for row in rows] == [
        "account.created",
        "authz.role.granted",
        "auth.login.success",
    ]
    assert rows[1]["metadata"] == {"role": flag("is_staff")}


def test_a_wrong_password_is_one_failure(client, bob, directory, log):
    sign_in(client, password=WRONG)

    assert log.new() == [failed(bob, via="auth_ldap", reason="invalid_password")]


def test_a_wrong_password_of_who_has_never_been_here_is_one_failure(client, directory, log):
    sign_in(client, password=WRONG)

    assert log.new() == [failed(username="bob", via="auth_ldap", reason="invalid_password")]


def test_an_unknown_name_is_one_failure(client, directory, log):
    sign_in(client, "nobody")

    assert log.new() == [failed(username="nobody", reason="unknown_user")]


def test_an_unknown_name_of_an_account_is_a_wrong_password(client, alice, directory, log):
    sign_in(client, "alice", WRONG)

    assert log.new() == [failed(alice, reason="invalid_password")]


def test_a_name_that_may_be_a_password_is_masked(client, directory, log, secrets):
    secrets.learn("hunter2 is my password!")
    sign_in(client, "hunter2 is my password!")

    [row] = log.new()
    assert row["metadata"]["reason"] == "unknown_user"


@pytest.mark.parametrize("setting", ["REQUIRE_GROUP", "DENY_GROUP", "NO_NEW_USERS"])
def test_who_is_not_let_in_for_the_groups_is_one_failure(
    client, directory, log, settings, setting
):
    values = {"REQUIRE_GROUP": group("others", directory), "DENY_GROUP": group("staff", directory)}
    setattr(settings, f"AUTH_LDAP_{setting}", values.get(setting, True))
    sign_in(client)

    assert log.new() == [failed(username="bob", via="auth_ldap", reason="not_permitted")]


def test_a_directory_that_is_down_is_one_failure(client, bob, down, log):
    sign_in(client)

    facts = {"via": "auth_ldap", "reason": "directory_error", "exception": "SERVER_DOWN"}
    assert log.new() == [failed(bob, **facts)]


def test_a_directory_that_is_down_says_so_of_who_gets_in_without_it(client, bob, down, log):
    sign_in(client, password=PASSWORD)

    facts = {"via": "auth_ldap", "reason": "directory_error", "exception": "SERVER_DOWN"}
    login = {"actor": bob, "at": AT, "backend": MODEL_BACKEND}
    assert sorted(log.new(), key=lambda row: row["event"]) == [
        success("auth.login.success", user=bob, **login),
        failure("auth.sso.failure", user=bob, actor=bob, at=AT, **facts),
    ]


def test_a_directory_that_is_down_is_one_failure_whoever_gets_in_later(act, bob, down, log):
    def sign_in_by_other_means(request):
        assert authenticate(request, username="bob", password=WRONG) is None
        login(request, bob, MODEL_BACKEND)

    act(sign_in_by_other_means)

    assert [row["event"] for row in log.new()] == ["auth.login.failure", "auth.login.success"]


def test_a_directory_that_refuses_its_own_reader_is_one_failure(
    client, bob, directory, log, settings
):
    settings.AUTH_LDAP_BIND_PASSWORD = WRONG
    sign_in(client)

    facts = {"via": "auth_ldap", "reason": "directory_error", "exception": "INVALID_CREDENTIALS"}
    assert log.new() == [failed(bob, **facts)]


class Second(LDAPBackend):  # type: ignore[misc]  # has no types
    settings_prefix = "AUTH_LDAP_2_"
    default_settings = {"SERVER_URI": "ldap://127.0.0.1:9/"}


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_directories_the_one_that_says_more_is_heard(
    client, bob, directory, log, settings, order
):
    paths = [BACKEND, "tests.sources.test_auth_ldap.Second"]
    settings.AUTHENTICATION_BACKENDS = paths[::order]
    settings.AUTH_LDAP_2_USER_SEARCH = settings.AUTH_LDAP_USER_SEARCH
    sign_in(client, password=WRONG)

    facts = {"via": "auth_ldap", "reason": "directory_error", "exception": "SERVER_DOWN"}
    assert log.new() == [failed(bob, **facts)]


def test_outside_a_request_it_is_one_failure(bob, directory, log):
    assert authenticate(username="bob", password=WRONG) is None

    facts = {"via": "auth_ldap", "reason": "invalid_password"}
    assert log.new() == [failure("auth.login.failure", user=bob, **facts)]


def test_a_signal_of_another_package_afterwards_is_a_failure_of_its_own(bob, directory, log):
    authenticate(username="bob", password=WRONG)
    log.forget()
    user_login_failed.send(sender="project", credentials={"username": "bob"})

    assert log.new() == [failure("auth.login.failure", user=bob, reason="invalid_password")]


def test_a_login_after_a_failure_is_a_login(client, bob, directory, log):
    sign_in(client, password=WRONG)
    log.forget()
    sign_in(client, password=PASSWORD)

    facts = {"at": AT, "backend": MODEL_BACKEND}
    assert log.new() == [success("auth.login.success", user=bob, actor=bob, **facts)]


def test_an_inactive_account_is_one_failure(client, bob, directory, log):
    bob.is_active = False
    bob.save()
    log.forget()
    sign_in(client)

    assert log.new() == [failed(bob, reason="inactive", code="inactive")]


def test_a_directory_that_is_down_while_permissions_are_looked_up_is_nothing(
    client, bob, down, log, settings
):
    settings.AUTH_LDAP_FIND_GROUP_PERMS = True
    ldap_user = _LDAPUser(LDAPBackend(), username="bob")
    ldap_user._user_dn = f"uid=bob,ou=people,{settings.SUFFIX}"
    assert ldap_user.get_group_permissions() == set()
    client.force_login(bob)

    [row] = log.new()
    assert row["event"] == "auth.login.success"


@pytest.mark.parametrize(
    ("backends", "expected"),
    [
        ([BACKEND], True),
        (["tests.sources.test_auth_ldap.Second"], True),
        ([MODEL_BACKEND], False),
        (["nowhere.to.be.Found"], False),
    ],
)
def test_it_is_there_where_a_backend_is(settings, backends, expected):
    settings.AUTHENTICATION_BACKENDS = backends

    assert sources.discover()["auth_ldap"].available is expected

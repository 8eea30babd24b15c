"""django-allauth, django-axes and DRF together: whoever refuses, one entry for each thing."""

import base64

import pytest
from rest_framework.authtoken.models import Token

from django_authaudit.mechanisms import credentials
from tests.sources.recorded import PASSWORD, WRONG, failure, success

pytest_plugins = ["tests.sources.allauth_fixtures"]

AXES = "axes.backends.AxesStandaloneBackend"
LOGIN, TOKEN, BASIC = "/accounts/login/", "/token/", "/basic/"
TYPED = {"username": "bob", "password": PASSWORD}


def basic(password):
    return {"authorization": f"Basic {base64.b64encode(f'bob:{password}'.encode()).decode()}"}


def wrong(user, at, **facts):
    facts = {"reason": "invalid_password", **facts}
    return failure("auth.login.failure", user=user, at=at, **facts)


def locked(user, at):
    return failure("auth.account_locked", user=user, at=at, via="axes")


@pytest.fixture
def key(bob, secrets, log):
    key = Token.objects.create(user=bob).key
    secrets.learn(key)
    log.forget()
    return key


def test_a_token_for_a_password_is_a_login_and_a_token(client, bob, log, secrets):
    key = client.post(TOKEN, TYPED).json()["token"]
    secrets.learn(key)

    facts = {"user": bob, "actor": bob, "at": f"POST {TOKEN}", "via": "rest_framework"}
    facts["token_id"] = credentials.fingerprint(key)
    assert log.new() == [
        success("auth.token.created", **facts),
        success("auth.login.success", **facts),
    ]


def test_a_token_besides_a_session_is_one_login_each(client, bob, key, log):
    client.post(LOGIN, {"login": "bob", "password": PASSWORD})
    client.post("/token-and-session/", TYPED)

    assert [(row["event"], row["user"], row["at"]) for row in log.new()] == [
        ("auth.login.success", bob.pk, f"POST {LOGIN}"),
        ("auth.login.success", bob.pk, "POST /token-and-session/"),
    ]


def test_a_wrong_password_is_one_failure_wherever_it_is_typed(client, bob, log, settings):
    settings.AXES_FAILURE_LIMIT = 9
    client.post(LOGIN, {"login": "bob", "password": WRONG})
    client.post(TOKEN, {**TYPED, "password": WRONG})
    client.get(BASIC, headers=basic(WRONG))

    assert log.new() == [
        wrong(bob, f"POST {LOGIN}", via="allauth", method="password"),
        wrong(bob, f"POST {TOKEN}"),
        wrong(bob, f"GET {BASIC}"),
    ]


def test_a_lockout_is_one_entry_and_each_attempt_another(client, bob, log, settings):
    settings.AXES_USERNAME_FORM_FIELD = "username"
    for _ in range(3):
        client.post(LOGIN, {"login": "bob", "password": WRONG})
    client.post(LOGIN, {"login": "bob", "password": PASSWORD})
    client.post(TOKEN, TYPED)
    client.get(BASIC, headers=basic(PASSWORD))

    by_allauth = {"via": "allauth", "method": "password"}
    why = {"reason": "locked", "backend": AXES}
    assert log.new() == [
        *[wrong(bob, f"POST {LOGIN}", **by_allauth)] * 3,
        locked(bob, f"POST {LOGIN}"),
        wrong(bob, f"POST {LOGIN}", **by_allauth, **why),
        wrong(bob, f"POST {TOKEN}", **why),
        wrong(bob, f"GET {BASIC}", **why),
    ]


@pytest.mark.parametrize("path", [TOKEN, BASIC])
def test_a_lockout_by_the_framework_is_one_entry(client, bob, log, settings, path):
    settings.AXES_FAILURE_LIMIT = 1
    if path == TOKEN:
        client.post(path, {**TYPED, "password": WRONG})
    else:
        client.get(path, headers=basic(WRONG))

    at = f"POST {path}" if path == TOKEN else f"GET {path}"
    assert log.new() == [wrong(bob, at), locked(bob, at)]


def test_a_bad_token_is_one_failure_and_no_attempt(client, log):
    for _ in range(4):
        client.get("/by-token/", headers={"authorization": f"Token {WRONG}"})

    rows = log.new()
    assert [row["event"] for row in rows] == ["auth.token.failure"] * 4


def test_a_logout_leaves_the_token(client, bob, key, log):
    client.post(LOGIN, {"login": "bob", "password": PASSWORD})
    log.forget()
    client.post("/accounts/logout/")
    answer = client.get("/by-token/", headers={"authorization": f"Token {key}"})

    assert answer.status_code == 200
    assert [row["event"] for row in log.new()] == ["auth.logout"]


def test_who_has_a_session_of_allauth_may_be_forbidden_by_the_framework(client, bob, log):
    client.post(LOGIN, {"login": "bob", "password": PASSWORD})
    log.forget()
    assert client.get("/admins/").status_code == 403

    [row] = log.new()
    assert (row["event"], row["user"]) == ("authz.forbidden", bob.pk)

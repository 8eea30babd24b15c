"""dj-rest-auth over simplejwt: which of the two answers, one entry for each thing."""

import pytest
from django.db import connection
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from tests.sources.recorded import PASSWORD, WRONG, failure, success

BACKEND = "django.contrib.auth.backends.AllowAllUsersModelBackend"
LOGIN, LOGOUT = "/api/login/", "/api/logout/"
REFRESH, VERIFY, USER = "/api/token/refresh/", "/api/token/verify/", "/api/user/"
JSON = {"content_type": "application/json"}
TYPED = {"username": "bob", "password": PASSWORD}


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


def learn(browser):
    browser.secrets.learn(*(morsel.value for morsel in browser.cookies.values()))
    browser.secrets.learn(*OutstandingToken.objects.values_list("token", flat=True))


def sign_in(browser, **typed):
    answer = browser.post(LOGIN, {**TYPED, **typed}, **JSON)
    learn(browser)
    return answer


@pytest.fixture
def signed_in(client, bob, log):
    assert sign_in(client).status_code == 200
    log.forget()
    return client


def jti(browser, name="refresh"):
    return RefreshToken(browser.cookies[name].value, verify=False)["jti"]


def refused(at, reason, user=None, actor=None, **facts):
    facts = {"at": at, "user": user, "actor": actor, "reason": reason, **facts}
    return failure("auth.token.failure", **facts)


def test_a_login_is_one_entry(client, bob, log):
    assert sign_in(client).status_code == 200

    facts = {"at": f"POST {LOGIN}", "via": "dj_rest_auth", "backend": BACKEND}
    assert log.new() == [success("auth.login.success", user=bob, actor=bob, **facts)]


def test_a_wrong_password_is_one_failure(client, bob, log):
    assert sign_in(client, password=WRONG).status_code == 400

    facts = {"at": f"POST {LOGIN}", "via": "dj_rest_auth", "reason": "invalid_password"}
    assert log.new() == [failure("auth.login.failure", user=bob, **facts)]


def test_a_login_while_an_old_token_is_sent_is_one_entry(signed_in, bob, alice, log):
    sign_in(signed_in, username="alice")

    facts = {"at": f"POST {LOGIN}", "via": "dj_rest_auth", "backend": BACKEND}
    assert log.new() == [success("auth.login.success", user=alice, actor=alice, **facts)]


@pytest.mark.parametrize("body", [False, True], ids=["cookie", "body"])
def test_a_token_that_is_renewed_is_one_entry(signed_in, bob, log, body):
    old = jti(signed_in)
    sent = {"refresh": signed_in.cookies["refresh"].value} if body else {}
    if body:
        signed_in.cookies.clear()
    assert signed_in.post(REFRESH, sent, **JSON).status_code == 200
    learn(signed_in)

    facts = {
        "via": "simplejwt",
        "kind": "refresh",
        "token_id": old,
        "new_token_id": jti(signed_in),
    }
    assert log.new() == [
        success("auth.token.refreshed", user=bob, actor=bob, at=f"POST {REFRESH}", **facts)
    ]


def test_a_token_that_is_used_again_is_one_failure(signed_in, bob, log):
    old = signed_in.cookies["refresh"].value
    signed_in.post(REFRESH, **JSON)
    learn(signed_in)
    log.forget()
    signed_in.cookies.clear()
    assert signed_in.post(REFRESH, {"refresh": old}, **JSON).status_code == 401

    [row] = log.new()
    assert (row["event"], row["user"], row["metadata"]["reason"]) == (
        "auth.token.failure",
        bob.pk,
        "revoked",
    )


@pytest.mark.parametrize("at", [REFRESH, VERIFY])
def test_a_bad_token_is_one_failure(client, log, at):
    name = "token" if at == VERIFY else "refresh"
    assert client.post(at, {name: "a.b.c"}, **JSON).status_code == 401

    [row] = log.new()
    assert row["event"] == "auth.token.failure"


def test_a_renewal_without_a_token_is_one_failure(client, log):
    assert client.post(REFRESH, **JSON).status_code == 401

    [row] = log.new()
    assert row["event"] == "auth.token.failure"


@pytest.mark.parametrize("way", ["cookie", "header"])
def test_a_bad_token_for_a_view_is_one_failure(client, log, way):
    headers = {"authorization": "Bearer a.b.c"} if way == "header" else {}
    if way == "cookie":
        client.cookies["access"] = "a.b.c"
    assert client.get(USER, headers=headers).status_code == 401

    [row] = log.new()
    assert (row["event"], row["metadata"]["via"]) == ("auth.token.failure", "simplejwt")


def test_a_logout_is_one_entry_and_the_token_revoked(signed_in, bob, log):
    old = jti(signed_in)
    assert signed_in.post(LOGOUT, **JSON).status_code == 200

    facts = {"user": bob, "actor": bob, "at": f"POST {LOGOUT}"}
    assert sorted(log.new(), key=lambda row: row["event"]) == [
        success("auth.logout", via="dj_rest_auth", **facts),
        success("auth.token.revoked", via="simplejwt", token_id=old, **facts),
    ]


def test_a_second_logout_with_the_same_token_is_one_failure(signed_in, bob, log):
    old, kept = jti(signed_in), {name: m.value for name, m in signed_in.cookies.items()}
    signed_in.post(LOGOUT, **JSON)
    log.forget()
    for name, value in kept.items():
        signed_in.cookies[name] = value
    assert signed_in.post(LOGOUT, **JSON).status_code == 401

    [row] = log.new()
    assert (row["event"], row["metadata"]["reason"], row["metadata"]["token_id"]) == (
        "auth.token.failure",
        "revoked",
        old,
    )


class TestWhatIsSentBesidesARefreshToken:
    """The cookies of the package hold two tokens, of which the authenticator asks for one."""

    @pytest.fixture
    def over(self, signed_in, bob, log):
        token = AccessToken.for_user(bob)
        token.set_exp(lifetime=-token.lifetime)
        signed_in.secrets.learn(str(token))
        signed_in.cookies["access"] = str(token)
        log.forget()
        return token

    @pytest.mark.parametrize("at", [USER, LOGOUT])
    def test_an_access_token_that_is_over_is_named(self, signed_in, bob, over, log, at):
        assert signed_in.generic("POST" if at == LOGOUT else "GET", at).status_code == 401

        [row] = log.new()
        assert (row["event"], row["user"]) == ("auth.token.failure", bob.pk)
        facts = {"reason": "expired", "kind": "access", "token_id": over["jti"]}
        assert row["metadata"].items() >= facts.items()

    def test_an_access_token_that_is_forged_is_nobodys(self, signed_in, over, log):
        signed_in.cookies["access"] = f"{over}"[:-4] + "AAAA"
        assert signed_in.get(USER).status_code == 401

        [row] = log.new()
        assert (row["event"], row["user"]) == ("auth.token.failure", None)
        assert row["metadata"]["reason"] == "invalid"
        assert "token_id" not in row["metadata"]

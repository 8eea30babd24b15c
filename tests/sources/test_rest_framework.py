"""Django REST framework: what its code says, and one entry for each refusal."""

import base64

import pytest
from django.core.cache import cache
from django.db import connection
from rest_framework.authtoken.models import Token

from tests.sources.conftest import Browser
from tests.sources.recorded import PASSWORD, WRONG, failure

VIEWS = "tests.sources.views_rest_framework"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    """With ATOMIC_REQUESTS the framework rolls back whatever it refuses."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)
    cache.clear()


@pytest.fixture
def token(bob, secrets):
    token = Token.objects.create(user=bob).key
    secrets.learn(token)
    return token


def basic(name, password):
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"authorization": f"Basic {encoded}"}


def bearer(token):
    return {"authorization": f"Token {token}"}


def refused(event, path, view="", method="GET", **facts):
    return failure(event, at=f"{method} {path}", view=f"{VIEWS}.{view}", **facts)


def test_basic_authentication_with_a_wrong_password_is_one_failed_login(client, bob, log):
    assert client.get("/basic/", headers=basic("bob", WRONG)).status_code == 401
    assert client.get("/basic/", headers=basic("nobody", WRONG)).status_code == 401

    assert log.new() == [
        failure("auth.login.failure", user=bob, at="GET /basic/", reason="invalid_password"),
        failure("auth.login.failure", username="nobody", at="GET /basic/", reason="unknown_user"),
    ]


def test_basic_authentication_with_the_right_password_is_nothing(client, bob, log):
    assert client.get("/basic/", headers=basic("bob", PASSWORD)).status_code == 200
    assert log.new() == []


def test_no_authentication_is_unauthenticated(client, async_client, log):
    client.get("/basic/")
    async_client.get("/basic/")
    # Without a scheme that challenges, the framework says 403 for the same.
    assert client.get("/by-session/").status_code == 403

    code = {"code": "not_authenticated"}
    assert log.new() == [
        refused("authz.unauthenticated", "/basic/", "Basic", **code),
        refused("authz.unauthenticated", "/basic/", "Basic", **code),
        refused("authz.unauthenticated", "/by-session/", "BySession", **code),
    ]


def test_a_bad_token_is_a_token_failure(client, log):
    assert client.get("/by-token/", headers=bearer(WRONG)).status_code == 401

    assert log.new() == [
        refused("auth.token.failure", "/by-token/", "ByToken", code="authentication_failed")
    ]


def test_a_token_of_an_inactive_account_is_a_token_failure(client, bob, token, log):
    bob.is_active = False
    bob.save()
    log.forget()
    client.get("/by-token/", headers=bearer(token))

    assert log.new() == [
        refused("auth.token.failure", "/by-token/", "ByToken", code="authentication_failed")
    ]


def test_a_good_token_is_nothing(client, token, log):
    assert client.get("/by-token/", headers=bearer(token)).status_code == 200
    assert log.new() == []


def test_asking_for_a_token_with_a_wrong_password_is_one_failed_login(client, bob, log):
    answer = client.post("/token/", {"username": "bob", "password": WRONG})

    assert answer.status_code == 400
    assert log.new() == [
        failure("auth.login.failure", user=bob, at="POST /token/", reason="invalid_password")
    ]


def test_asking_for_the_token_of_another_account_names_both(as_bob, bob, alice, log):
    as_bob.post("/token/", {"username": "alice", "password": WRONG})

    assert log.new() == [
        failure(
            "auth.login.failure",
            user=alice,
            actor=bob,
            at="POST /token/",
            reason="invalid_password",
        )
    ]


def test_a_want_of_permission_is_forbidden(as_bob, bob, log):
    as_bob.get("/admins/")
    as_bob.get("/function/")

    facts = {"user": bob, "actor": bob, "code": "permission_denied"}
    assert log.new() == [
        refused("authz.forbidden", "/admins/", "Admins", **facts),
        refused("authz.forbidden", "/function/", "function", **facts),
    ]


def test_a_want_of_permission_names_whose_token_it_is(client, bob, token, log):
    client.get("/admins/", headers=bearer(token))

    assert log.new() == [
        refused(
            "authz.forbidden", "/admins/", "Admins", user=bob, actor=bob, code="permission_denied"
        )
    ]


def test_an_exception_of_django_is_forbidden(as_bob, bob, log):
    as_bob.get("/denies/")

    assert log.new() == [
        refused(
            "authz.forbidden", "/denies/", "Denies", user=bob, actor=bob, code="permission_denied"
        )
    ]


def test_a_throttled_request_is_rate_limited(client, log):
    assert client.get("/throttled/").status_code == 200
    assert client.get("/throttled/").status_code == 429

    assert log.new() == [
        refused("authz.rate_limited", "/throttled/", "Throttled", code="throttled")
    ]


def test_a_csrf_rejection_says_why(secrets, bob, log):
    strict = Browser(secrets, enforce_csrf_checks=True)
    strict.force_login(bob)
    log.forget()
    assert strict.post("/by-session/").status_code == 403

    # The framework has refused the session, and says that nobody is signed in.
    facts = {"reason": "CSRF cookie not set."}
    assert log.new() == [
        refused("authz.csrf_rejected", "/by-session/", "BySession", "POST", **facts)
    ]


def test_invalid_data_is_nothing(client, log):
    assert client.get("/invalid/").status_code == 400
    assert log.new() == []

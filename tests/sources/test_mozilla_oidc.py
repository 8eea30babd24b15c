"""mozilla-django-oidc: one entry for each sign-in that fails, with its reason and no secret."""

from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.exceptions import PermissionDenied
from django.db import connection
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from tests.sources.provider import running_provider
from tests.sources.recorded import WRONG, failure, success

BACKEND = "mozilla_django_oidc.auth.OIDCAuthenticationBackend"
BEGIN, CALLBACK = "/oidc/authenticate/", "/oidc/callback/"
AT = f"GET {CALLBACK}"
CODE, TOKEN = "code-of-the-harbour", "access-token-of-the-harbour"
BOB = {"email": "bob@example.org", "ssn": "078-05-1120"}


class Refusing(OIDCAuthenticationBackend):  # type: ignore[misc]  # has no types
    def verify_claims(self, claims):
        raise PermissionDenied


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def provider(settings, secrets):
    secrets.learn(CODE, TOKEN, BOB["ssn"], settings.OIDC_RP_CLIENT_SECRET)
    with running_provider() as provider:
        settings.OIDC_OP_TOKEN_ENDPOINT = f"{provider.url}/token"
        settings.OIDC_OP_USER_ENDPOINT = f"{provider.url}/user"
        provider.answer("/user", BOB)
        yield provider
        for _, sent in provider.asked:
            secrets.learn(sent.get("code_verifier"))


def begin(browser):
    """Go to the provider; return the state to come back with, and the nonce."""
    target = browser.get(BEGIN)["Location"]
    sent = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
    browser.secrets.learn(sent["state"], sent["nonce"], sent["code_challenge"])
    return sent["state"], sent["nonce"]


def come_back(browser, provider, secret="client-secret-of-the-harbour-which-is-long", **claims):
    state, nonce = begin(browser)
    id_token = jwt.encode({"nonce": nonce, **claims}, secret, algorithm="HS256")
    browser.secrets.learn(id_token)
    if provider.answers.get("/token", (200, None))[0] == 200:
        provider.answer("/token", {"access_token": TOKEN, "id_token": id_token})
    return browser.get(CALLBACK, {"state": state, "code": CODE})


def signed_in(user):
    return success("auth.login.success", user=user, actor=user, at=AT, backend=BACKEND)


def failed(reason, user=None, **facts):
    facts = {"at": AT, "via": "mozilla_oidc", "reason": reason, **facts}
    return failure("auth.sso.failure", user=user, **facts)


def test_a_sign_in_is_a_login(client, bob, provider, log):
    come_back(client, provider)

    assert log.new() == [signed_in(bob)]


def test_a_sign_in_of_who_is_signed_in_is_nothing(client, bob, provider, log):
    come_back(client, provider)
    log.forget()
    come_back(client, provider)

    assert log.new() == []


def test_a_first_sign_in_makes_the_account_and_is_a_login(client, provider, log):
    come_back(client, provider)

    assert [row["event"] for row in log.new()] == ["account.created", "auth.login.success"]


@pytest.mark.parametrize(
    ("error", "reason"), [("access_denied", "access_denied"), ("<script>", "error")]
)
def test_a_sign_in_that_the_provider_refuses_is_one_failure(client, provider, log, error, reason):
    state, _ = begin(client)
    client.get(CALLBACK, {"state": state, "error": error})

    assert log.new() == [failed(reason)]


def test_a_refresh_that_the_provider_refuses_is_one_failure_and_a_logout(as_bob, bob, log):
    as_bob.get(CALLBACK, {"error": "login_required"})

    assert log.new() == [
        failed("login_required", bob, actor=bob),
        success("auth.logout", user=bob, actor=bob, at=AT),
    ]


def test_a_return_without_a_code_is_one_failure(client, log):
    client.get(CALLBACK)

    assert log.new() == [failed("malformed")]


def test_a_return_without_a_session_is_one_failure(client, provider, log):
    client.get(CALLBACK, {"state": "state-of-another-session", "code": CODE})

    assert log.new() == [failed("session_missing")]


def test_a_return_to_another_session_is_one_failure(client, provider, log, secrets):
    secrets.learn("state-of-another-session")
    begin(client)
    answer = client.get(CALLBACK, {"state": "state-of-another-session", "code": CODE})

    assert answer.status_code == 400
    assert log.new() == [failed("state_mismatch", exception="SuspiciousOperation")]


def test_a_code_that_the_provider_refuses_is_one_failure(client, provider, log):
    provider.answer("/token", {"error": "invalid_grant", "error_description": TOKEN}, 400)
    assert come_back(client, provider).status_code == 500

    assert log.new() == [failed("token_request", exception="HTTPError")]


def test_a_provider_that_is_down_is_one_failure(client, provider, log, settings):
    settings.OIDC_OP_TOKEN_ENDPOINT = "http://127.0.0.1:9/token"
    come_back(client, provider)

    assert log.new() == [failed("token_request", exception="ConnectionError")]


def test_a_token_with_another_nonce_is_one_failure(client, provider, log, secrets):
    secrets.learn("nonce-of-another-session")
    assert come_back(client, provider, nonce="nonce-of-another-session").status_code == 400

    assert log.new() == [failed("nonce_mismatch", exception="SuspiciousOperation")]


def test_a_token_of_another_provider_is_one_failure(client, provider, log, secrets):
    secret = "client-secret-of-another-harbour-entirely"
    secrets.learn(secret)
    come_back(client, provider, secret=secret)

    [row] = log.new()
    exception = row["metadata"]["exception"]
    assert row == failed("invalid_token", exception=exception)


def test_a_user_endpoint_that_fails_is_one_failure(client, provider, log):
    provider.answer("/user", {"error": TOKEN}, 500)
    come_back(client, provider)

    assert log.new() == [failed("userinfo", exception="HTTPError")]


def test_claims_without_an_address_are_one_failure(client, provider, log):
    provider.answer("/user", {"ssn": BOB["ssn"]})
    come_back(client, provider)

    assert log.new() == [failed("claims")]


def test_an_address_of_two_accounts_is_one_failure(client, bob, provider, log):
    get_user_model().objects.create_user("bobby", "bob@example.org")
    log.forget()
    come_back(client, provider)

    assert log.new() == [failed("ambiguous_user")]


def test_an_unknown_user_is_one_failure(client, provider, log, settings):
    settings.OIDC_CREATE_USER = False
    come_back(client, provider)

    assert log.new() == [failed("unknown_user")]


def test_an_inactive_user_is_named(client, bob, provider, log):
    bob.is_active = False
    bob.save()
    log.forget()
    come_back(client, provider)

    assert log.new() == [failed("inactive", bob)]


def test_a_backend_of_the_project_that_refuses_is_one_failure(client, provider, log, settings):
    settings.AUTHENTICATION_BACKENDS = ["tests.sources.test_mozilla_oidc.Refusing"]
    come_back(client, provider)

    assert log.new() == [failed("refused")]


def test_a_backend_that_another_stands_in_for_is_a_login(client, bob, provider, log, settings):
    settings.AUTHENTICATION_BACKENDS = [BACKEND, "tests.sources.test_mozilla_oidc.Stands"]
    provider.answer("/user", {})
    come_back(client, provider)

    [row] = log.new()
    assert (row["event"], row["user"]) == ("auth.login.success", bob.pk)


class Stands:
    def authenticate(self, request, nonce=None, code_verifier=None):
        return get_user_model().objects.get(username="bob")

    def get_user(self, key):
        return get_user_model().objects.get(pk=key)


def test_a_token_that_says_nothing_is_one_failure(client, provider, log, settings):
    settings.OIDC_USE_NONCE = False
    id_token = jwt.encode({}, settings.OIDC_RP_CLIENT_SECRET, algorithm="HS256")
    provider.answer("/token", {"access_token": TOKEN, "id_token": id_token})
    state = parse_qs(urlsplit(client.get(BEGIN)["Location"]).query)["state"][0]
    client.get(CALLBACK, {"state": state, "code": CODE})

    assert log.new() == [failed("refused")]


def test_a_password_stays_a_failed_login(client, bob, log):
    client.post("/login/", {"username": "bob", "password": WRONG})

    at = "POST /login/"
    assert log.new() == [failure("auth.login.failure", user=bob, at=at, reason="invalid_password")]


def test_outside_of_the_callback_it_is_a_failed_login(rf, provider, log):
    provider.answer("/token", {}, 400)
    assert authenticate(rf.get("/"), nonce="", code_verifier="") is None

    assert [row["event"] for row in log.new()] == ["auth.login.failure"]


def test_a_bad_token_at_an_api_is_a_refused_token(client, provider, log):
    provider.answer("/user", {})
    assert client.get("/api/", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 401

    [row] = log.new()
    assert row["event"] == "auth.token.failure"


def test_a_session_that_a_script_must_refresh_is_no_refusal(client, bob, provider, log):
    come_back(client, provider)
    session = client.session
    session["oidc_id_token_expiration"] = 0
    session.save()
    log.forget()
    answer = client.get("/open/", headers={"x-requested-with": "XMLHttpRequest"})

    assert answer.status_code == 403
    assert log.new() == []

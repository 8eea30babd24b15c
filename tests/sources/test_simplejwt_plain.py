"""simplejwt without its blacklist: what can be seen of a token that is stored nowhere."""

import pytest
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, UntypedToken

from tests.sources.recorded import PASSWORD, failure, success

PACKAGE = "rest_framework_simplejwt.views"


@pytest.fixture
def pair(client, secrets, bob, log):
    found = client.post("/token/", {"username": "bob", "password": PASSWORD}).json()
    secrets.learn(*found.values(), *(token.rpartition(".")[2] for token in found.values()))
    return found


def jti(token):
    return UntypedToken(token, verify=False)["jti"]


def test_obtaining_a_token_is_a_login(pair, bob, log):
    facts = {"via": "simplejwt", "token_id": jti(pair["refresh"]), "kind": "refresh"}
    assert log.new() == [
        success("auth.login.success", user=bob, actor=bob, at="POST /token/", **facts)
    ]


def test_refreshing_a_token_is_one_entry(client, pair, bob, log, secrets):
    log.forget()
    secrets.learn(client.post("/refresh/", {"refresh": pair["refresh"]}).json()["access"])

    facts = {"via": "simplejwt", "token_id": jti(pair["refresh"]), "kind": "refresh"}
    assert log.new() == [
        success("auth.token.refreshed", user=bob, actor=bob, at="POST /refresh/", **facts)
    ]


def test_a_token_of_another_kind_is_a_failure(client, pair, bob, log):
    log.forget()
    client.post("/refresh/", {"refresh": pair["access"]})

    facts = {"via": "simplejwt", "token_id": jti(pair["access"]), "kind": "access"}
    assert log.new() == [
        failure(
            "auth.token.failure",
            user=bob,
            at="POST /refresh/",
            view=f"{PACKAGE}.TokenRefreshView",
            code="token_not_valid",
            reason="refused",
            **facts,
        )
    ]


def test_revoking_where_nothing_can_be_revoked_is_nothing(client, pair, log):
    log.forget()
    assert client.post("/revoke/", {"refresh": pair["refresh"]}).status_code == 200

    assert log.new() == []


def test_a_token_that_own_code_makes_cannot_be_seen(bob, log, secrets):
    secrets.learn(str(AccessToken.for_user(bob)), str(RefreshToken.for_user(bob)))

    assert log.new() == []

"""django-ninja-jwt without its blacklist, and without standing in INSTALLED_APPS itself."""

from django_authaudit import sources
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, failure, success

TYPED = {"username": "bob", "password": PASSWORD}


def post(client, secrets, path, **data):
    answer = client.post(f"/pairs/token/{path}", data, content_type="application/json").json()
    secrets.learn(*(answer[name] for name in ("refresh", "access") if name in answer))
    return answer


def test_is_connected_all_the_same():
    assert "ninja_jwt" in sources.selected()


def test_a_login_and_a_refresh_are_one_entry_each(client, secrets, bob, log):
    from ninja_jwt.tokens import RefreshToken

    given = post(client, secrets, "pair", **TYPED)
    post(client, secrets, "refresh", refresh=given["refresh"])

    token = {
        "via": "ninja_jwt",
        "token_id": RefreshToken(given["refresh"])["jti"],
        "kind": "refresh",
    }
    at = "POST /pairs/token/"
    own = {"user": bob, "actor": bob}
    assert log.new() == [
        success("auth.login.success", at=f"{at}pair", backend=MODEL_BACKEND, **own, **token),
        success("auth.token.refreshed", at=f"{at}refresh", **own, **token),
    ]


def test_a_token_of_another_kind_is_refused(client, secrets, bob, log):
    from ninja_jwt.tokens import AccessToken

    given = post(client, secrets, "pair", **TYPED)
    log.forget()
    post(client, secrets, "refresh", refresh=given["access"])

    assert log.new() == [
        failure(
            "auth.token.failure",
            user=bob,
            at="POST /pairs/token/refresh",
            via="ninja_jwt",
            token_id=AccessToken(given["access"])["jti"],
            kind="access",
            reason="refused",
        )
    ]


def test_nothing_is_kept_of_a_token_that_the_project_makes(secrets, bob, log):
    from ninja_jwt.tokens import RefreshToken

    secrets.learn(RefreshToken.for_user(bob))

    assert log.new() == []

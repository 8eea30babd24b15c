"""django-oauth-toolkit: consent, tokens by their grant type, and whoever is refused."""

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.db.models import signals
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    Application,
    DeviceGrant,
    Grant,
    RefreshToken,
    clear_expired,
)

from django_authaudit.cleaning import MASK
from django_authaudit.mechanisms import oauth
from django_authaudit.sources.oauth_toolkit import Source
from tests.sources.provider import running_provider
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

# Grants that the newest advice discourages are still the default of most installations.
pytestmark = pytest.mark.filterwarnings("ignore:.*RFC 9700:DeprecationWarning")

SECRET = "client-secret-of-the-harbour"
VERIFIER = "verifier-" * 6
BACK = "https://client.example.org/back"
TOKEN, AUTHORIZE = "/o/token/", "/o/authorize/"
CODE = "authorization_code"
VIEWS = "oauth2_provider.views"
TESTS = "tests.sources.urls_oauth_toolkit"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture(autouse=True)
def learn(secrets):
    """Take for a secret whatever the package stores as one."""
    secrets.learn(SECRET, VERIFIER, challenge())

    def on_saved(instance, **kwargs):
        for name in ("token", "code", "device_code", "client_secret"):
            secrets.learn(getattr(instance, name, ""))

    signals.post_save.connect(on_saved)
    yield
    signals.post_save.disconnect(on_saved)


def register(grant_type, **facts):
    facts = {"client_type": "confidential", "redirect_uris": BACK, **facts}
    return Application.objects.create(
        name="Harbour",
        client_id="harbour",
        client_secret=SECRET,
        authorization_grant_type=grant_type,
        post_logout_redirect_uris=BACK,
        **facts,
    )


@pytest.fixture
def code_client(log):
    return register("authorization-code")


@pytest.fixture
def password_client(log):
    return register("password")


def challenge():
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def asked(**facts):
    return {
        "client_id": "harbour",
        "response_type": "code",
        "redirect_uri": BACK,
        "scope": "read write",
        "state": "state-of-the-client",
        "nonce": "nonce-of-the-client",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **facts,
    }


def consent(browser, **facts):
    response = browser.post(AUTHORIZE, asked(**{"allow": "Authorize", **facts}))
    assert response.status_code == 302
    target = urlsplit(response["Location"])
    return {key: values[0] for key, values in parse_qs(target.query or target.fragment).items()}


def ask(client, grant_type, **facts):
    sent = {"grant_type": grant_type, "client_id": "harbour", "client_secret": SECRET, **facts}
    return client.post(TOKEN, {key: value for key, value in sent.items() if value})


def exchange(client, its_code, **facts):
    facts = {"code": its_code, "redirect_uri": BACK, "code_verifier": VERIFIER, **facts}
    return ask(client, CODE, **facts)


def by_password(client, password=PASSWORD, **facts):
    return ask(client, "password", username="bob", password=password, scope="read", **facts)


@pytest.fixture
def tokens(client, bob, password_client, log):
    answer = by_password(client).json()
    log.forget()
    return answer


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def token_id(token):
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def facts_of(**facts):
    return {"via": "oauth_toolkit", "client": "harbour", "client_name": "Harbour", **facts}


def authorized(user, at=f"POST {AUTHORIZE}", **facts):
    facts = {"grant_type": CODE, "scope": "read write", **facts}
    return success("auth.oauth.authorized", user=user, actor=user, at=at, **facts_of(**facts))


def denied(user, at=f"POST {AUTHORIZE}", **facts):
    facts = facts_of(reason="access_denied", **facts)
    return failure("auth.oauth.authorized", user=user, actor=user, at=at, **facts)


def issued(user, token, event="created", actor=None, at=f"POST {TOKEN}", **facts):
    facts = facts_of(**{"scope": "read", "token_id": token_id(token), **facts})
    return success(f"auth.token.{event}", user=user, actor=actor, at=at, **facts)


def refused(reason, user=None, at=f"POST {TOKEN}", view=f"{VIEWS}.base.TokenView", **facts):
    actor = facts.pop("actor", None)
    facts = {"reason": reason, "view": view, **facts_of(**facts)}
    facts = {key: value for key, value in facts.items() if value}
    return failure("auth.token.failure", user=user, actor=actor, at=at, **facts)


def revoked(user, token, at="", actor=None, **facts):
    facts = facts_of(**{"scope": "read", "token_id": token_id(token), **facts})
    facts = {key: value for key, value in facts.items() if value}
    return success("auth.token.revoked", user=user, actor=actor, at=at, **facts)


class TestConsent:
    def test_is_one_entry_and_the_token_another(self, as_bob, bob, client, code_client, log):
        assert as_bob.get(AUTHORIZE, asked()).status_code == 200
        code = consent(as_bob)["code"]
        answer = exchange(client, code)

        token = answer.json()["access_token"]
        assert log.new() == [
            authorized(bob),
            issued(bob, token, grant_type=CODE, scope="read write"),
        ]

    def test_that_is_refused_is_a_failure(self, as_bob, bob, code_client, log):
        assert consent(as_bob, allow="")["error"] == "access_denied"

        assert log.new() == [denied(bob)]

    def test_may_be_taken_for_granted(self, as_bob, bob, code_client, log):
        code_client.skip_authorization = True
        code_client.save()
        as_bob.get(AUTHORIZE, asked())

        assert Grant.objects.exists()
        assert log.new() == [authorized(bob, f"GET {AUTHORIZE}")]

    def test_that_is_saved_again_is_nothing(self, as_bob, code_client, log):
        consent(as_bob)
        log.forget()
        Grant.objects.get().save()

        assert log.new() == []

    def test_may_give_a_token_at_once(self, as_bob, bob, log):
        register("implicit")
        token = consent(as_bob, response_type="token")["access_token"]

        facts = {"grant_type": "implicit", "scope": "read write"}
        assert log.new() == [
            authorized(bob, **facts),
            issued(bob, token, actor=bob, at=f"POST {AUTHORIZE}", **facts),
        ]

    def test_may_give_a_code_and_a_token_at_once(self, as_bob, bob, log, secrets):
        register("openid-hybrid", algorithm="RS256")
        answer = consent(as_bob, response_type="code token", scope="openid")
        secrets.learn(answer["code"])

        [consented, token] = log.new()
        assert consented["event"] == "auth.oauth.authorized"
        facts = {"grant_type": "implicit", "scope": "openid"}
        assert token == issued(
            bob, answer["access_token"], actor=bob, at=f"POST {AUTHORIZE}", **facts
        )

    def test_may_only_say_who_the_user_is(self, as_bob, bob, log, secrets):
        register("implicit", algorithm="RS256")
        secrets.learn(consent(as_bob, response_type="id_token", scope="openid")["id_token"])

        assert not AccessToken.objects.exists()
        assert log.new() == [authorized(bob, grant_type="implicit", scope="openid")]

    @pytest.mark.parametrize(
        ("sent", "reason", "error", "named"),
        [
            (
                {"redirect_uri": "https://evil.example.org/"},
                "invalid_request",
                "MismatchingRedirectURIError",
                True,
            ),
            ({"client_id": "nobody"}, "invalid_request", "InvalidClientIdError", False),
            ({"client_id": "no\x01body"}, "invalid_request", "InvalidClientIdError", False),
            ({"scope": "everything"}, "invalid_scope", "InvalidScopeError", True),
            ({"response_type": "token"}, "unauthorized_client", "UnauthorizedClientError", True),
        ],
    )
    def test_that_may_not_be_asked_for_is_a_refused_client(
        self, as_bob, bob, code_client, log, sent, reason, error, named
    ):
        as_bob.get(AUTHORIZE, asked(**sent))

        [row] = log.new()
        client = {"client": row["metadata"]["client"]}
        if not named:
            assert row["metadata"].pop("client_hash")
            client = {"client": MASK, "client_name": ""}
        expected = refused(
            reason,
            bob,
            f"GET {AUTHORIZE}",
            f"{VIEWS}.base.AuthorizationView",
            actor=bob,
            exception=error,
            **client,
        )
        assert row == expected


class TestDevice:
    AT = "/o/device-confirm/harbour/"

    @pytest.fixture
    def device(self, client, log, secrets):
        register("urn:ietf:params:oauth:grant-type:device_code", client_type="public")
        answer = self.begin(client).json()
        secrets.learn(answer["device_code"])
        log.forget()
        return answer

    def begin(self, client, name="harbour"):
        kind = "application/x-www-form-urlencoded"
        return client.post("/o/device-authorization/", f"client_id={name}", content_type=kind)

    def poll(self, client, device_code):
        kind = "urn:ietf:params:oauth:grant-type:device_code"
        sent = {"grant_type": kind, "client_id": "harbour", "device_code": device_code}
        return client.post(TOKEN, sent)

    def decide(self, browser, device, action):
        code = device["user_code"]
        browser.post("/o/device/", {"user_code": code})
        assert browser.post(f"{self.AT}{code}", {"action": action}).status_code == 302
        return f"POST {self.AT}{MASK}"

    def test_that_is_let_in_is_a_consent_and_a_token(self, as_bob, bob, client, device, log):
        assert self.poll(client, device["device_code"]).status_code == 400
        at = self.decide(as_bob, device, "accept")
        token = self.poll(client, device["device_code"]).json()["access_token"]

        facts = {"grant_type": "device_code", "scope": "read"}
        assert log.new() == [authorized(bob, at, **facts), issued(bob, token, **facts)]

    def test_that_is_not_let_in_is_refused(self, as_bob, bob, client, device, log):
        at = self.decide(as_bob, device, "deny")
        self.poll(client, device["device_code"])

        assert log.new() == [
            denied(bob, at, grant_type="device_code", scope="read"),
            refused("access_denied", grant_type="device_code"),
        ]

    def test_that_is_unknown_or_too_late_is_refused(self, client, device, log):
        DeviceGrant.objects.update(status=DeviceGrant.EXPIRED)
        self.poll(client, "nothing-like-a-device-code")
        self.poll(client, device["device_code"])

        assert log.new() == [
            refused("device_not_found", grant_type="device_code"),
            refused("expired_token", grant_type="device_code"),
        ]

    def test_of_a_client_that_is_none_is_refused(self, client, log):
        assert self.begin(client, "nobody").status_code == 400

        [row] = log.new()
        assert row["event"] == "auth.token.failure"
        assert row["metadata"]["client"] == MASK

    def test_that_lets_its_code_be_used_twice_is_refused_once(self, as_bob, client, device, log):
        self.decide(as_bob, device, "accept")
        Application.objects.update(authorization_grant_type="password")
        log.forget()
        self.poll(client, device["device_code"])

        assert log.new() == [refused("unauthorized_client", grant_type="device_code")]


class TestToken:
    def test_for_a_password_is_a_login_and_a_token(self, client, bob, password_client, log):
        token = by_password(client).json()["access_token"]

        grant = {"grant_type": "password"}
        at = f"POST {TOKEN}"
        assert log.new() == [
            success("auth.login.success", user=bob, actor=bob, at=at, **facts_of(**grant)),
            issued(bob, token, actor=bob, **grant),
        ]

    def test_for_a_wrong_password_is_one_failed_login(self, client, bob, password_client, log):
        assert by_password(client, WRONG).status_code == 400

        at = f"POST {TOKEN}"
        assert log.new() == [
            failure("auth.login.failure", user=bob, at=at, reason="invalid_password")
        ]

    def test_for_the_client_itself_names_nobody(self, client, log):
        register("client-credentials")
        token = ask(client, "client_credentials").json()["access_token"]

        assert log.new() == [issued(None, token, grant_type="client_credentials")]

    def test_made_by_the_project_is_a_token(self, bob, log):
        expires = timezone.now() + timedelta(days=1)
        AccessToken.objects.create(user=bob, token="made-by-hand", expires=expires, scope="read")

        facts = {"client": "", "client_name": ""}
        expected = issued(bob, "made-by-hand", at="", **facts)
        expected["metadata"] = {k: v for k, v in expected["metadata"].items() if v}
        assert log.new() == [expected]

    def test_that_is_saved_again_is_nothing(self, tokens, log):
        AccessToken.objects.get().save()

        assert log.new() == []

    @pytest.mark.parametrize("rotates", [True, False])
    def test_that_is_refreshed_is_one_entry(self, client, bob, tokens, log, settings, rotates):
        settings.OAUTH2_PROVIDER = {**settings.OAUTH2_PROVIDER, "ROTATE_REFRESH_TOKEN": rotates}
        answer = ask(client, "refresh_token", refresh_token=tokens["refresh_token"])

        token = answer.json()["access_token"]
        assert log.new() == [issued(bob, token, "refreshed", grant_type="refresh_token")]

    def test_that_is_refreshed_twice_is_refused_with_a_word_of_it(self, client, bob, tokens, log):
        ask(client, "refresh_token", refresh_token=tokens["refresh_token"])
        log.forget()
        ask(client, "refresh_token", refresh_token=tokens["refresh_token"])

        facts = {"grant_type": "refresh_token", "reused": True}
        assert log.new() == [refused("invalid_grant", bob, **facts)]

    def test_whose_misuse_revokes_its_family_says_both(self, client, bob, tokens, log, settings):
        settings.OAUTH2_PROVIDER = {
            **settings.OAUTH2_PROVIDER,
            "REFRESH_TOKEN_REUSE_PROTECTION": True,
        }
        token = ask(client, "refresh_token", refresh_token=tokens["refresh_token"]).json()
        log.forget()
        ask(client, "refresh_token", refresh_token=tokens["refresh_token"])

        assert not AccessToken.objects.exists()
        assert log.new() == [
            refused("invalid_grant", bob, grant_type="refresh_token", reused=True),
            revoked(bob, token["access_token"], f"POST {TOKEN}", reason="reuse"),
        ]

    @pytest.mark.parametrize(
        "sent",
        [
            {"code": "nothing-like-a-code"},
            {"code": "no\x01code-at-all"},
            {"code_verifier": "another-" * 6},
            {"redirect_uri": "https://evil.example.org/"},
        ],
    )
    def test_for_a_bad_code_is_refused(self, as_bob, bob, client, code_client, log, sent):
        code = consent(as_bob)["code"]
        log.forget()
        exchange(client, code, **sent)

        [row] = log.new()
        reason = row["metadata"]["reason"]
        assert reason in ("invalid_grant", "invalid_request")
        user = None if "code" in sent else bob
        assert row == refused(reason, user, grant_type=CODE)

    def test_for_a_code_of_yesterday_is_refused(self, as_bob, bob, client, code_client, log):
        code = consent(as_bob)["code"]
        exchange(client, code)
        log.forget()
        exchange(client, code)

        assert log.new() == [refused("invalid_grant", grant_type=CODE)]

    def test_for_a_wrong_secret_is_refused(self, client, password_client, log, secrets):
        wrong = "wrong-secret-of-the-harbour"
        secrets.learn(wrong)
        assert by_password(client, client_secret=wrong).status_code == 401
        basic = base64.b64encode(f"harbour:{wrong}".encode()).decode()
        secrets.learn(basic)
        sent = {"grant_type": "password", "username": "bob", "password": PASSWORD}
        client.post(TOKEN, sent, headers={"authorization": f"Basic {basic}"})

        assert log.new() == [refused("invalid_client", grant_type="password")] * 2

    @pytest.mark.parametrize("header", ["Basic !", "Basic", "Basic /w=="])
    def test_for_a_header_that_is_none_is_refused(self, client, password_client, log, header):
        client.post(TOKEN, {"grant_type": "password"}, headers={"authorization": header})

        [row] = log.new()
        assert row["event"] == "auth.token.failure"
        assert "client" not in row["metadata"]

    def test_for_a_secret_in_the_place_of_the_name_stores_neither(self, client, log):
        for _ in range(2):
            ask(client, "client_credentials", client_id=SECRET)

        rows = log.new()
        assert [row["metadata"]["client"] for row in rows] == [MASK, MASK]
        assert len({row["metadata"]["client_hash"] for row in rows}) == 1

    @pytest.mark.parametrize("grant_type", ["something_else", "client_credentials", ""])
    def test_for_a_grant_that_there_is_not_is_refused(
        self, client, password_client, log, grant_type
    ):
        ask(client, grant_type)

        [row] = log.new()
        assert row["event"] == "auth.token.failure"
        assert row["metadata"]["reason"] in ("unsupported_grant_type", "unauthorized_client")
        known = grant_type == "client_credentials"
        assert row["metadata"].get("grant_type", "") == (grant_type if known else "")


@pytest.mark.parametrize("body", ["<p>no</p>", b"[]", b"{}"])
def test_an_answer_in_another_form_gives_no_reason(body):
    assert oauth.error_of(body) == ""


def test_connecting_twice_records_nothing_twice(client, bob, password_client, log, settings):
    settings.AUTHENTICATION_BACKENDS = [MODEL_BACKEND]
    Source().connect()
    by_password(client)
    by_password(client, WRONG)

    events = [row["event"] for row in log.new()]
    assert events == ["auth.login.success", "auth.token.created", "auth.login.failure"]


class TestRevocation:
    AT = "POST /o/revoke_token/"

    def revoke(self, client, token, **facts):
        sent = {"token": token, "client_id": "harbour", "client_secret": SECRET, **facts}
        return client.post("/o/revoke_token/", sent)

    @pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
    def test_is_one_entry_for_both_tokens(self, client, bob, tokens, log, kind):
        assert self.revoke(client, tokens[kind]).status_code == 200

        assert not AccessToken.objects.exists()
        assert log.new() == [revoked(bob, tokens["access_token"], self.AT)]

    def test_of_what_is_no_token_is_nothing(self, client, tokens, log):
        assert self.revoke(client, "no-token-of-anybody").status_code == 200

        assert log.new() == []

    def test_by_a_client_that_is_none_is_refused(self, client, tokens, log):
        assert self.revoke(client, tokens["access_token"], client_secret=WRONG).status_code == 401

        view = f"{VIEWS}.base.RevokeTokenView"
        assert log.new() == [refused("invalid_client", at=self.AT, view=view)]

    def test_by_the_user_is_by_the_user(self, as_bob, bob, tokens, log):
        path = f"/o/authorized_tokens/{AccessToken.objects.get().pk}/delete/"
        as_bob.post(path)

        assert log.new() == [revoked(bob, tokens["access_token"], f"POST {path}", bob)]

    def test_in_the_admin_is_by_the_admin(self, as_root, root, bob, tokens, log):
        path = "/admin/oauth2_provider/accesstoken/"
        chosen = {"_selected_action": [AccessToken.objects.get().pk], "action": "revoke_tokens"}
        as_root.post(path, chosen)

        assert log.new() == [revoked(bob, tokens["access_token"], f"POST {path}", root)]

    def test_that_is_rolled_back_says_so(self, act, tokens, log, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

        def revoke_and_fail(request):
            RefreshToken.objects.get().revoke()
            raise RuntimeError

        act(revoke_and_fail)

        [row] = log.new()
        assert (row["event"], row["outcome"]) == ("auth.token.revoked", "failure")
        assert row["metadata"]["rolled_back"] is True

    def test_of_a_refresh_token_whose_other_is_over(self, bob, tokens, log):
        AccessToken.objects.update(expires=timezone.now())
        RefreshToken.objects.get().revoke()
        RefreshToken.objects.get().revoke()

        assert log.new() == [revoked(bob, tokens["refresh_token"], scope="")]

    def test_by_deleting_is_one_entry(self, bob, tokens, log):
        AccessToken.objects.get().delete()

        assert log.new() == [revoked(bob, tokens["access_token"])]

    @pytest.mark.parametrize("lifetime", [None, 60])
    def test_by_deleting_the_refresh_token_is_one_entry(
        self, bob, tokens, log, settings, lifetime
    ):
        settings.OAUTH2_PROVIDER = {
            **settings.OAUTH2_PROVIDER,
            "REFRESH_TOKEN_EXPIRE_SECONDS": lifetime,
        }
        RefreshToken.objects.all().delete()

        assert log.new() == [revoked(bob, tokens["refresh_token"], scope="")]

    def test_is_not_what_cleans_up(self, client, tokens, log, settings):
        ask(client, "refresh_token", refresh_token=tokens["refresh_token"])
        settings.OAUTH2_PROVIDER = {
            **settings.OAUTH2_PROVIDER,
            "REFRESH_TOKEN_EXPIRE_SECONDS": 60,
        }
        AccessToken.objects.update(expires=timezone.now() - timedelta(days=1))
        log.forget()
        clear_expired()

        assert not AccessToken.objects.exists()
        assert not RefreshToken.objects.exists()
        assert log.new() == []

    def test_with_the_client_is_one_entry(self, password_client, tokens, log):
        password_client.delete()

        facts = {"reason": "client_deleted", "count": 1}
        assert log.new() == [success("auth.token.revoked", **facts_of(**facts))]

    def test_with_a_client_that_has_none_is_nothing(self, password_client, log):
        password_client.delete()

        assert log.new() == []

    def test_with_the_account_is_a_part_of_that(self, bob, tokens, log):
        bob.delete()

        assert [row["event"] for row in log.new()] == ["account.deleted"]

    def test_at_the_logout_from_the_provider_is_one_entry(self, as_bob, bob, client, log, secrets):
        register("authorization-code", algorithm="RS256")
        code = consent(as_bob, scope="openid")["code"]
        answer = exchange(client, code).json()
        secrets.learn(answer["id_token"])
        log.forget()
        as_bob.get("/o/logout/", {"id_token_hint": answer["id_token"]})

        assert not AccessToken.objects.exists()
        at = "GET /o/logout/"
        assert log.new() == [
            revoked(bob, answer["access_token"], at, bob, scope="openid"),
            success("auth.logout", user=bob, actor=bob, at=at),
        ]


class TestResource:
    def at(self, path, view, **facts):
        return {"at": f"GET {path}", "view": f"{TESTS}.{view}", **facts}

    def test_that_is_opened_is_nothing(self, client, tokens, log):
        headers = bearer(tokens["access_token"])
        assert client.get("/protected/", headers=headers).status_code == 200
        assert client.get("/api/", headers=headers).status_code == 200

        assert log.new() == []

    @pytest.mark.parametrize(
        ("path", "view", "status"),
        [
            ("/protected/", "Protected", 403),
            ("/decorated/", "decorated", 403),
            ("/api/", "Api", 401),
            ("/open-api/", "OpenApi", 200),
        ],
    )
    def test_with_a_bad_token_is_a_refused_token(self, client, log, path, view, status):
        assert client.get(path, headers=bearer(WRONG)).status_code == status

        facts = {"client": "", "client_name": "", **self.at(path, view)}
        assert log.new() == [refused("invalid_token", **facts)]

    def test_opened_by_a_bearer_of_another_package_is_nothing(self, client, alice, log):
        assert client.get("/either/", headers=bearer("badge-of-alice")).status_code == 200

        assert log.new() == []

    def test_that_a_bearer_of_another_package_is_not_for_is_forbidden(self, client, alice, log):
        assert client.get("/admins/", headers=bearer("badge-of-alice")).status_code == 403

        [row] = log.new()
        assert (row["event"], row["user"]) == ("authz.forbidden", alice.pk)

    def test_opened_by_a_session_leaves_the_bad_token_refused(self, as_bob, log):
        assert as_bob.get("/either/", headers=bearer(WRONG)).status_code == 200

        assert [row["event"] for row in log.new()] == ["auth.token.failure"]

    def test_with_a_token_in_the_query_is_a_refused_token(self, client, log):
        client.get("/protected/", {"access_token": WRONG})

        facts = {"client": "", "client_name": "", **self.at("/protected/", "Protected")}
        assert log.new() == [refused("invalid_token", **facts)]

    def test_with_a_token_of_yesterday_says_whose_it_was(self, client, bob, tokens, log):
        AccessToken.objects.update(expires=timezone.now())
        client.get("/protected/", headers=bearer(tokens["access_token"]))

        assert log.new() == [refused("invalid_token", bob, **self.at("/protected/", "Protected"))]

    def test_without_a_token_is_what_its_status_says(self, client, log):
        client.get("/protected/")
        client.get("/api/")

        events = [row["event"] for row in log.new()]
        assert events == ["authz.forbidden", "authz.unauthenticated"]

    def test_that_the_token_is_not_for_is_forbidden(self, client, bob, tokens, log):
        client.get("/for-writers/", headers=bearer(tokens["access_token"]))

        expected = refused("insufficient_scope", bob, **self.at("/for-writers/", "ForWriters"))
        assert log.new() == [{**expected, "event": "authz.forbidden"}]

    def test_behind_the_middleware_is_one_entry(self, client, bob, log, settings):
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "oauth2_provider.middleware.OAuth2TokenMiddleware",
        ]
        client.get("/protected/", headers=bearer(WRONG))

        facts = {"client": "", "client_name": "", **self.at("/protected/", "Protected")}
        facts["view"] = ""
        assert log.new() == [refused("invalid_token", **facts)]

    def test_opened_by_a_token_of_another_server_makes_none(
        self, client, bob, log, settings, secrets
    ):
        secrets.learn("token-of-another-server")
        with running_provider() as provider:
            settings.OAUTH2_PROVIDER = {
                **settings.OAUTH2_PROVIDER,
                "RESOURCE_SERVER_INTROSPECTION_URL": f"{provider.url}/introspect/",
                "RESOURCE_SERVER_AUTH_TOKEN": WRONG,
            }
            provider.answer("/introspect/", {"active": True, "username": "bob"})
            headers = bearer("token-of-another-server")
            assert client.get("/protected/", headers=headers).content == b"bob"

        assert AccessToken.objects.exists()
        assert log.new() == []

    def test_does_not_hide_a_failed_login(self, client, bob, log):
        typed = {"username": "bob", "password": WRONG}
        client.post("/login/", typed, headers=bearer(WRONG))

        at = "POST /login/"
        assert [row["event"] for row in log.new()] == ["auth.token.failure", "auth.login.failure"]
        client.post("/login/", typed)
        assert log.new() == [
            failure("auth.login.failure", user=bob, at=at, reason="invalid_password")
        ]

    def test_for_clients_refuses_a_wrong_secret(self, client, tokens, log):
        path = "/o/introspect/"
        asked = {"token": tokens["access_token"], "client_id": "harbour"}
        assert client.post(path, {**asked, "client_secret": WRONG}).status_code == 403
        assert client.post(path, {**asked, "client_secret": SECRET}).status_code == 200

        view = f"{VIEWS}.introspect.IntrospectTokenView"
        assert log.new() == [refused("invalid_client", at=f"POST {path}", view=view)]

    def test_with_a_password_is_a_login_of_djangos(self, client, bob, log):
        client.post("/login/", {"username": "bob", "password": PASSWORD})

        entry = {"at": "POST /login/", "backend": MODEL_BACKEND}
        assert log.new() == [success("auth.login.success", user=bob, actor=bob, **entry)]

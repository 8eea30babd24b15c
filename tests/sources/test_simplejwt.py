"""simplejwt with its blacklist: given, rotated, revoked, reused; and no token in the log."""

import itertools
from datetime import timedelta

import pytest
from django.db import connection
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.state import token_backend
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken, SlidingToken, UntypedToken

from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

VIEWS = "tests.sources.urls_simplejwt"
PACKAGE = "rest_framework_simplejwt.views"
PAST = timedelta(days=-400)
ALL_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    """With ATOMIC_REQUESTS the framework rolls back whatever it refuses."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def learn(secrets):
    """Return a function that makes tokens and their signatures known as secrets."""

    def run(*tokens):
        secrets.learn(*tokens, *(token.rpartition(".")[2] for token in tokens))

    return run


@pytest.fixture
def post(client, learn):
    """Return a function that posts, and knows what it sent and got as secrets."""

    def run(path, **typed):
        response = client.post(path, typed)
        texts = [*typed.values(), *_strings(response)]
        learn(*(text for text in texts if text.count(".") == 2))
        return response

    return run


@pytest.fixture
def pair(post, bob, log):
    """The tokens that Bob was given."""
    found = post("/token/", username="bob", password=PASSWORD).json()
    log.forget()
    return found


@pytest.fixture
def make(learn, log):
    """Return a function that makes a token that only a defect or an attacker would make."""

    def run(token, **claims):
        for name, value in claims.items():
            token[name] = value
        log.forget()
        learn(str(token))
        return str(token)

    return run


def _strings(response):
    data = response.json() if response.headers.get("Content-Type") == "application/json" else {}
    cookies = [morsel.value for morsel in response.cookies.values()]
    return [text for text in itertools.chain(data.values(), cookies) if isinstance(text, str)]


def jti(token):
    return UntypedToken(token, verify=False)["jti"]


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def own(event, user, token, at, kind="refresh", **facts):
    facts = {"via": "simplejwt", "token_id": jti(token), "kind": kind, **facts}
    return success(event, user=user, actor=user, at=f"POST {at}", **facts)


def signed_in(user, token, at="/token/", kind="refresh"):
    return own("auth.login.success", user, token, at, kind)


def refreshed(user, token, at="/refresh/", kind="refresh", **facts):
    return own("auth.token.refreshed", user, token, at, kind, **facts)


def row(event, user, token, **facts):
    return success(event, user=user, via="simplejwt", token_id=jti(token), **facts)


def refused(reason, user=None, at="POST /refresh/", view=f"{PACKAGE}.TokenRefreshView", **facts):
    facts = {"code": "token_not_valid", "via": "simplejwt", "reason": reason, **facts}
    if "token" in facts:
        facts["token_id"] = jti(facts.pop("token"))
    return failure("auth.token.failure", user=user, at=at, view=view, **facts)


def refused_access(reason, user=None, view="View", path="/view/", **facts):
    return refused(reason, user, f"GET {path}", f"{VIEWS}.{view}", **facts)


class TestObtain:
    def test_is_a_login_and_nothing_else(self, post, bob, log):
        pair = post("/token/", username="bob", password=PASSWORD).json()

        assert OutstandingToken.objects.exists()
        assert log.new() == [signed_in(bob, pair["refresh"])]

    def test_under_asgi_is_a_login(self, async_client, bob, log, learn):
        typed = {"username": "bob", "password": PASSWORD}
        pair = async_client.post("/token/", typed).json()
        learn(*pair.values())

        assert log.new() == [signed_in(bob, pair["refresh"])]

    def test_of_a_sliding_token_is_a_login(self, post, bob, log):
        token = post("/sliding/", username="bob", password=PASSWORD).json()["token"]

        assert log.new() == [signed_in(bob, token, "/sliding/", "sliding")]

    def test_in_cookies_is_a_login(self, post, client, bob, log):
        post("/cookie-token/", username="bob", password=PASSWORD)

        token = client.cookies["refresh"].value
        assert log.new() == [signed_in(bob, token, "/cookie-token/")]

    def test_that_updates_the_last_login_is_one_entry(self, post, bob, log, monkeypatch):
        monkeypatch.setattr(api_settings, "UPDATE_LAST_LOGIN", True)
        pair = post("/token/", username="bob", password=PASSWORD).json()

        assert log.new() == [signed_in(bob, pair["refresh"])]

    def test_without_a_token_in_the_answer_is_no_login(self, post, client, bob, log):
        post("/two-steps/", username="bob", password=PASSWORD)
        client.options("/token/")

        assert log.new() == []

    def test_with_a_wrong_password_is_one_failure(self, post, bob, log):
        assert post("/token/", username="bob", password=WRONG).status_code == 401
        assert post("/token/", username="nobody", password=WRONG).status_code == 401
        assert post("/token/", username="bob").status_code == 400

        at = {"at": "POST /token/"}
        assert log.new() == [
            failure("auth.login.failure", user=bob, reason="invalid_password", **at),
            failure("auth.login.failure", username="nobody", reason="unknown_user", **at),
        ]

    def test_of_an_inactive_account_is_one_failure(self, post, bob, log, settings):
        bob.is_active = False
        bob.save()
        log.forget()
        post("/token/", username="bob", password=PASSWORD)
        settings.AUTHENTICATION_BACKENDS = ALL_BACKENDS
        post("/token/", username="bob", password=PASSWORD)

        facts = {"user": bob, "at": "POST /token/", "reason": "inactive"}
        more = {"via": "simplejwt", "code": "no_active_account"}
        view = {"view": f"{PACKAGE}.TokenObtainPairView"}
        assert log.new() == [
            failure("auth.login.failure", **facts),
            failure("auth.login.failure", **facts, **more, **view),
        ]

    def test_that_the_project_refuses_after_the_right_password_is_one_failure(
        self, post, bob, log, monkeypatch
    ):
        post("/picky/", username="bob", password=PASSWORD)
        monkeypatch.setattr(api_settings, "USER_AUTHENTICATION_RULE", lambda user: False)
        post("/token/", username="bob", password=PASSWORD)

        facts = {"user": bob, "via": "simplejwt", "reason": "not_permitted"}
        assert log.new() == [
            failure(
                "auth.login.failure",
                at="POST /picky/",
                view=f"{VIEWS}.Picky",
                code="authentication_failed",
                **facts,
            ),
            failure(
                "auth.login.failure",
                at="POST /token/",
                view=f"{PACKAGE}.TokenObtainPairView",
                code="no_active_account",
                **facts,
            ),
        ]


class TestRefresh:
    def test_with_rotation_is_one_entry(self, post, bob, pair, log):
        new = post("/refresh/", refresh=pair["refresh"]).json()["refresh"]

        assert BlacklistedToken.objects.count() == 1
        assert log.new() == [refreshed(bob, pair["refresh"], new_token_id=jti(new))]

    def test_without_rotation_is_one_entry(self, post, bob, pair, log, monkeypatch):
        monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", False)
        post("/refresh/", refresh=pair["refresh"])

        assert log.new() == [refreshed(bob, pair["refresh"])]

    def test_of_a_sliding_token_is_one_entry(self, post, bob, log):
        old = post("/sliding/", username="bob", password=PASSWORD).json()["token"]
        log.forget()
        new = post("/sliding-refresh/", token=old).json()["token"]

        assert jti(new) == jti(old)
        assert log.new() == [refreshed(bob, old, "/sliding-refresh/", "sliding")]

    def test_by_cookies_is_one_entry(self, post, client, bob, log):
        post("/cookie-token/", username="bob", password=PASSWORD)
        old = client.cookies["refresh"].value
        log.forget()
        assert post("/cookie-refresh/").status_code == 200

        new = client.cookies["refresh"].value
        at = {"at": "/cookie-refresh/", "new_token_id": jti(new)}
        assert log.new() == [refreshed(bob, old, **at)]

    def test_names_the_owner_of_the_token_and_no_other(self, client, bob, alice, pair, log, learn):
        other, old = str(RefreshToken.for_user(alice)), pair["refresh"]
        log.forget()
        client.cookies["refresh"] = other
        typed = {"note": other, "refresh": old, "token": other}
        new = client.post("/refresh/", typed, content_type="application/json").json()
        learn(other, *new.values())

        assert log.new() == [refreshed(bob, old, new_token_id=jti(new["refresh"]))]

    def test_with_a_token_that_was_rotated_is_a_failure_that_names_its_owner(
        self, post, bob, pair, log
    ):
        post("/refresh/", refresh=pair["refresh"])
        log.forget()
        assert post("/refresh/", refresh=pair["refresh"]).status_code == 401

        facts = {"token": pair["refresh"], "kind": "refresh"}
        assert log.new() == [refused("revoked", bob, **facts)]

    def test_with_what_is_no_token_is_a_failure(self, post, log):
        post("/refresh/", refresh=WRONG)

        assert log.new() == [refused("malformed")]

    def test_with_a_forged_token_names_nobody(self, post, bob, pair, log):
        post("/refresh/", refresh=pair["refresh"].rpartition(".")[0] + ".bm90IHNpZ25lZA")

        assert log.new() == [refused("invalid")]

    def test_with_an_expired_token_names_its_owner(self, post, bob, make, log):
        token = RefreshToken.for_user(bob)
        token.set_exp(lifetime=PAST)
        expired = make(token)
        post("/refresh/", refresh=expired)

        assert log.new() == [refused("expired", bob, token=expired, kind="refresh")]

    def test_with_a_token_of_another_kind_names_its_owner(self, post, bob, pair, log):
        post("/refresh/", refresh=pair["access"])

        facts = {"token": pair["access"], "kind": "access"}
        assert log.new() == [refused("refused", bob, **facts)]

    def test_of_a_sliding_token_that_may_no_longer_be_refreshed_is_a_failure(
        self, post, bob, make, log
    ):
        token = SlidingToken.for_user(bob)
        token.set_exp("refresh_exp", lifetime=PAST)
        late = make(token)
        post("/sliding-refresh/", token=late)

        at = {"at": "POST /sliding-refresh/", "view": f"{PACKAGE}.TokenRefreshSlidingView"}
        assert log.new() == [refused("expired", bob, token=late, kind="sliding", **at)]

    def test_of_an_inactive_account_is_a_failure(self, post, bob, pair, log):
        bob.is_active = False
        bob.save()
        log.forget()
        post("/refresh/", refresh=pair["refresh"])

        facts = {"token": pair["refresh"], "kind": "refresh", "code": "no_active_account"}
        assert log.new() == [refused("inactive", bob, **facts)]

    def test_of_a_deleted_account_is_a_failure(self, post, bob, pair, log):
        bob.delete()
        log.forget()
        # The package's own defect, not ours.
        assert post("/refresh/", refresh=pair["refresh"]).status_code == 500

        at = {"at": "POST /refresh/", "view": f"{PACKAGE}.TokenRefreshView"}
        facts = {"via": "simplejwt", "reason": "unknown_user"}
        assert log.new() == [failure("auth.token.failure", **at, **facts)]

    def test_without_a_token_is_nothing(self, post, log):
        assert post("/refresh/").status_code == 400
        assert log.new() == []


class TestRevocation:
    def test_by_the_view_is_one_entry(self, post, bob, pair, log):
        assert post("/revoke/", refresh=pair["refresh"]).status_code == 200

        by = {"actor": bob, "at": "POST /revoke/"}
        assert log.new() == [row("auth.token.revoked", bob, pair["refresh"], **by)]

    def test_twice_is_a_refused_token_the_second_time(self, post, bob, pair, log):
        post("/revoke/", refresh=pair["refresh"])
        log.forget()
        post("/revoke/", refresh=pair["refresh"])

        at = {"at": "POST /revoke/", "view": f"{PACKAGE}.TokenBlacklistView"}
        facts = {"token": pair["refresh"], "kind": "refresh", **at}
        assert log.new() == [refused("revoked", bob, **facts)]

    def test_by_code_of_the_project_names_who_did_it(self, client, bob, pair, log):
        typed = {"refresh": pair["refresh"]}
        client.post("/sign-out/", typed, headers=bearer(pair["access"]))

        by = {"actor": bob, "at": "POST /sign-out/"}
        assert log.new() == [row("auth.token.revoked", bob, pair["refresh"], **by)]

    def test_in_the_admin_names_who_did_it(self, as_root, root, bob, pair, log):
        path = "/admin/token_blacklist/blacklistedtoken/add/"
        as_root.post(path, {"token": OutstandingToken.objects.get().pk})

        by = {"actor": root, "at": f"POST {path}"}
        assert log.new() == [row("auth.token.revoked", bob, pair["refresh"], **by)]

    def test_of_a_token_that_no_table_holds_is_one_entry(self, bob, make, log):
        token = RefreshToken.for_user(bob)
        token.set_iat(at_time=token.current_time - timedelta(hours=1))
        old = make(token)
        OutstandingToken.objects.all().delete()
        RefreshToken(old).blacklist()

        assert log.new() == [row("auth.token.revoked", bob, old)]


class TestOwnCode:
    def test_that_makes_a_token_creates_one(self, post, bob, log):
        token = post("/sign-up/", username="bob").json()["refresh"]

        assert log.new() == [row("auth.token.created", bob, token, at="POST /sign-up/")]

    def test_that_makes_a_token_in_a_login_is_one_login(self, post, bob, log):
        post("/sign-in/", username="bob", password=PASSWORD)

        facts = {"at": "POST /sign-in/", "backend": MODEL_BACKEND}
        assert log.new() == [success("auth.login.success", user=bob, actor=bob, **facts)]

    def test_saves_that_make_nothing_are_nothing(self, bob, pair, log):
        token = OutstandingToken.objects.get()
        token.save()
        BlacklistedToken.objects.create(token=token).save()
        log.forget()
        BlacklistedToken.objects.get().save()

        assert log.new() == []


class TestVerification:
    AT = {"at": "POST /verify/", "view": f"{PACKAGE}.TokenVerifyView"}

    def test_of_a_good_token_is_nothing(self, post, pair, log):
        assert post("/verify/", token=pair["access"]).status_code == 200
        assert log.new() == []

    def test_of_a_bad_token_is_a_failure(self, post, log):
        assert post("/verify/", token="a.W10.c").status_code == 401
        assert log.new() == [refused("invalid", **self.AT)]

    def test_of_a_revoked_token_is_a_failure(self, post, bob, pair, log):
        RefreshToken(pair["refresh"]).blacklist()
        log.forget()
        assert post("/verify/", token=pair["refresh"]).status_code == 400

        entry = refused("revoked", bob, token=pair["refresh"], kind="refresh", **self.AT)
        del entry["metadata"]["code"]
        assert log.new() == [entry]

    def test_of_no_token_is_nothing(self, post, log):
        assert post("/verify/").status_code == 400
        assert post("/verify/", token="").status_code == 400
        assert log.new() == []


class TestAuthentication:
    def test_with_a_good_token_is_nothing(self, client, pair, log):
        assert client.get("/view/", headers=bearer(pair["access"])).status_code == 200
        assert log.new() == []

    def test_without_a_token_is_unauthenticated(self, client, log):
        client.get("/view/")
        client.get("/view/", headers={"authorization": f"Basic {WRONG}"})

        facts = {"code": "not_authenticated", "view": f"{VIEWS}.View", "at": "GET /view/"}
        assert log.new() == [failure("authz.unauthenticated", **facts)] * 2

    def test_with_what_is_no_token_is_a_failure(self, client, log):
        client.get("/view/", headers=bearer(WRONG))
        client.get("/view/", headers=bearer("a.b.c"))
        client.get("/view/", headers=bearer("two words"))
        client.get("/view/", headers={"authorization": "Bearer"})

        failed = {"code": "authentication_failed"}
        assert log.new() == [
            refused_access("malformed"),
            refused_access("invalid"),
            refused_access("malformed", **failed),
            refused_access("malformed", **failed),
        ]

    def test_with_an_expired_token_names_its_owner(self, client, bob, make, log):
        token = AccessToken.for_user(bob)
        token.set_exp(lifetime=PAST)
        expired = make(token)
        client.get("/view/", headers=bearer(expired))

        assert log.new() == [refused_access("expired", bob, token=expired, kind="access")]

    def test_with_the_token_of_nobody_says_so(self, client, bob, pair, make, log):
        bob.delete()
        nobody = make(AccessToken(), user_id="777")
        log.forget()
        client.get("/view/", headers=bearer(pair["access"]))
        client.get("/view/", headers=bearer(nobody))

        failed = {"code": "authentication_failed", "kind": "access"}
        assert log.new() == [
            refused_access("unknown_user", token=pair["access"], **failed),
            refused_access("unknown_user", token=nobody, **failed),
        ]

    def test_with_the_token_of_an_inactive_account_says_so(self, client, bob, pair, log):
        bob.is_active = False
        bob.save()
        log.forget()
        client.get("/view/", headers=bearer(pair["access"]))

        facts = {"token": pair["access"], "kind": "access", "code": "authentication_failed"}
        assert log.new() == [refused_access("inactive", bob, **facts)]

    def test_that_names_an_account_as_no_account_is_named_says_so(self, post, make, log):
        token = RefreshToken()
        token.set_exp(lifetime=PAST)
        odd = make(token, user_id="one")
        post("/refresh/", refresh=odd)

        assert log.new() == [refused("expired", token=odd, kind="refresh")]

    def test_by_another_way_is_that_ones(self, client, log):
        client.get("/either/", headers={"authorization": "Basic of no use"})

        facts = {"code": "authentication_failed", "via": "rest_framework", "reason": "malformed"}
        view = {"view": f"{VIEWS}.Either", "at": "GET /either/"}
        assert log.new() == [failure("auth.login.failure", **facts, **view)]

    def test_without_a_name_in_the_token_leaves_it_out(self, client, bob, make, log):
        token = AccessToken()
        for claim in ("jti", "token_type"):
            del token[claim]
        bare = make(token)
        client.get("/view/", headers=bearer(bare))

        assert log.new() == [refused_access("unknown_user")]

    def test_by_a_cookie_names_its_owner(self, client, bob, make, log):
        token = AccessToken.for_user(bob)
        token.set_exp(lifetime=PAST)
        expired = make(token)
        client.cookies["access"] = expired
        assert client.get("/cookie/").status_code == 401

        facts = {"token": expired, "kind": "access", "view": "Cookie", "path": "/cookie/"}
        assert log.new() == [refused_access("expired", bob, **facts)]

    def test_with_keys_from_elsewhere_asks_nobody(self, client, post, bob, make, log, monkeypatch):
        token = AccessToken.for_user(bob)
        token.set_exp(lifetime=PAST)
        expired = make(token)
        monkeypatch.setattr(token_backend, "jwks_client", object())
        client.get("/view/", headers=bearer(expired))
        client.get("/view/", headers=bearer(WRONG))
        old = post("/token/", username="bob", password=PASSWORD).json()["refresh"]
        post("/two-steps/", username="bob", password=PASSWORD)
        new = post("/refresh/", refresh=old).json()["refresh"]

        assert log.new() == [
            refused_access("refused"),
            refused_access("malformed"),
            signed_in(bob, old),
            refreshed(bob, new),
        ]

    def test_for_want_of_a_permission_is_forbidden(self, client, bob, pair, log):
        client.get("/admins/", headers=bearer(pair["access"]))

        facts = {"code": "permission_denied", "view": f"{VIEWS}.Admins", "at": "GET /admins/"}
        assert log.new() == [failure("authz.forbidden", user=bob, actor=bob, **facts)]

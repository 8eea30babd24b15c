"""Tokens of django-ninja-jwt: one entry for each that is given, refreshed, revoked or refused."""

from datetime import timedelta

import pytest
from django.contrib.auth import login
from django.core.management import call_command
from django.db import connection, transaction
from ninja import Schema
from ninja_jwt.schema import InputSchemaMixin, TokenObtainPairInputSchema, TokenRefreshInputSchema
from ninja_jwt.settings import api_settings
from ninja_jwt.state import token_backend
from ninja_jwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from ninja_jwt.tokens import AccessToken, RefreshToken, SlidingToken

from django_authaudit import sources
from tests.sources.recorded import PASSWORD, WRONG, failure, success

BACKEND = "django.contrib.auth.backends.AllowAllUsersModelBackend"
TYPED = {"username": "bob", "password": PASSWORD}


class Api:
    """Speaks to one API; every token that it is given counts as secret."""

    def __init__(self, client, prefix, secrets):
        self.client, self.prefix, self.secrets = client, prefix, secrets
        self.status = 0

    def post(self, path, **data):
        answer = self.client.post(
            f"/{self.prefix}/token/{path}", data, content_type="application/json"
        )
        self.status = answer.status_code
        found = answer.json()
        if self.status == 200:
            self.secrets.learn(*map(found.get, ("refresh", "access", "token")))
        return found

    def obtain(self, **typed):
        return self.post("pair", **{**TYPED, **typed})

    def members(self, token):
        answer = self.client.get(
            f"/{self.prefix}/members", headers={"authorization": f"Bearer {token}"}
        )
        self.status = answer.status_code

    def at(self, path, method="POST"):
        return f"{method} /{self.prefix}/{path}"


@pytest.fixture(params=["plain", "atomic", "async"])
def api(request, secrets, monkeypatch):
    """The same, whether views are wrapped in a transaction, or asynchronous."""
    if request.param == "async":
        return Api(request.getfixturevalue("async_client"), "async", secrets)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param == "atomic")
    return Api(request.getfixturevalue("client"), "pairs", secrets)


@pytest.fixture
def pairs(client, secrets):
    return Api(client, "pairs", secrets)


@pytest.fixture
def sliding(client, secrets):
    return Api(client, "sliding", secrets)


@pytest.fixture
def made(secrets):
    """Return a function that makes a token as a project's own code does."""

    def make(user, kind=RefreshToken, **claims):
        token = kind.for_user(user)
        for name, value in claims.items():
            token[name] = value
        secrets.learn(str(token))
        return token

    return make


def id_of(text, kind=RefreshToken):
    return kind(text, verify=False)["jti"]


def signed_in(user, token_id, at, kind="refresh", **facts):
    facts |= {"via": "ninja_jwt", "backend": BACKEND, "token_id": token_id, "kind": kind}
    return success("auth.login.success", user=user, actor=user, at=at, **facts)


def wrong(at, user=None, **facts):
    return failure("auth.login.failure", user=user, at=at, **facts)


def refreshed(user, token_id, at, kind="refresh", **facts):
    facts |= {"via": "ninja_jwt", "token_id": token_id, "kind": kind}
    return success("auth.token.refreshed", user=user, actor=user, at=at, **facts)


def revoked(user, token, at="", **facts):
    facts |= {"via": "ninja_jwt", "token_id": token["jti"], "kind": token.token_type}
    return success("auth.token.revoked", user=user, at=at, **facts)


def refused(reason, at, user=None, token=None, **facts):
    if token is not None:
        facts |= {"token_id": token["jti"], "kind": token.token_type}
    return failure("auth.token.failure", user=user, at=at, reason=reason, via="ninja_jwt", **facts)


class TestObtain:
    def test_a_pair_is_one_login(self, api, bob, log):
        given = api.obtain()

        assert api.status == 200
        assert log.new() == [signed_in(bob, id_of(given["refresh"]), api.at("token/pair"))]

    def test_a_sliding_token_is_one_login(self, sliding, bob, log):
        given = sliding.post("sliding", **TYPED)

        token_id = id_of(given["token"], SlidingToken)
        at = sliding.at("token/sliding")
        assert log.new() == [signed_in(bob, token_id, at, "sliding")]

    def test_its_date_is_nothing(self, pairs, bob, log, monkeypatch):
        monkeypatch.setattr(api_settings, "UPDATE_LAST_LOGIN", True)
        pairs.obtain()

        bob.refresh_from_db()
        assert bob.last_login is not None
        assert [row["event"] for row in log.new()] == ["auth.login.success"]

    def test_with_a_wrong_password_is_one_failure(self, api, bob, log):
        api.obtain(password=WRONG)
        api.obtain(username="nobody")

        assert api.status == 401
        at = api.at("token/pair")
        assert log.new() == [
            wrong(at, bob, reason="invalid_password"),
            wrong(at, username="nobody", reason="unknown_user"),
        ]

    def test_by_an_inactive_account_is_one_failure(self, api, bob, log):
        bob.is_active = False
        bob.save()
        log.forget()
        api.obtain()

        assert api.status == 401
        at = api.at("token/pair")
        assert log.new() == [wrong(at, bob, reason="inactive", via="ninja_jwt")]

    def test_that_a_rule_of_the_project_forbids_is_one_failure(self, api, bob, log, monkeypatch):
        monkeypatch.setattr(api_settings, "USER_AUTHENTICATION_RULE", lambda user: False)
        api.obtain()

        assert api.status == 401
        at = api.at("token/pair")
        assert log.new() == [wrong(at, bob, reason="not_permitted", via="ninja_jwt")]

    def test_of_nothing_is_nothing(self, api, log):
        api.obtain(password="")

        assert api.status == 400
        assert log.new() == []

    def test_in_a_session_names_who_is_signed_in_already(self, secrets, as_bob, alice, log):
        """Who knows the password is the owner."""
        given = Api(as_bob, "pairs", secrets).obtain(username="alice")

        token_id = id_of(given["refresh"])
        assert log.new() == [signed_in(alice, token_id, "POST /pairs/token/pair")]


class TestRefresh:
    def test_that_rotates_is_one_entry(self, api, bob, log):
        old = api.obtain()["refresh"]
        log.forget()
        new = api.post("refresh", refresh=old)["refresh"]

        assert BlacklistedToken.objects.get().token.jti == id_of(old)
        at = api.at("token/refresh")
        assert log.new() == [refreshed(bob, id_of(old), at, new_token_id=id_of(new))]

    def test_that_does_not_rotate_is_one_entry(self, api, bob, log, monkeypatch):
        monkeypatch.setattr(api_settings, "ROTATE_REFRESH_TOKENS", False)
        old = api.obtain()["refresh"]
        log.forget()
        api.post("refresh", refresh=old)

        assert log.new() == [refreshed(bob, id_of(old), api.at("token/refresh"))]

    def test_of_a_sliding_token_is_one_entry(self, sliding, bob, log):
        old = sliding.post("sliding", **TYPED)["token"]
        log.forget()
        sliding.post("sliding/refresh", token=old)

        at = sliding.at("token/sliding/refresh")
        assert log.new() == [refreshed(bob, id_of(old, SlidingToken), at, "sliding")]

    def test_by_a_token_that_was_rotated_is_refused(self, api, bob, log):
        old = api.obtain()["refresh"]
        api.post("refresh", refresh=old)
        log.forget()
        api.post("refresh", refresh=old)

        assert api.status == 401
        token = RefreshToken(old, verify=False)
        assert log.new() == [refused("revoked", api.at("token/refresh"), bob, token)]

    def test_by_an_expired_token_is_refused(self, api, bob, made, log):
        token = made(bob)
        token.set_exp(lifetime=-timedelta(days=1))
        log.forget()
        api.post("refresh", refresh=str(token))

        assert log.new() == [refused("expired", api.at("token/refresh"), bob, token)]

    def test_by_a_sliding_token_whose_time_is_over_is_refused(self, sliding, bob, made, log):
        token = made(bob, SlidingToken, refresh_exp=1)
        log.forget()
        sliding.post("sliding/refresh", token=str(token))

        assert log.new() == [refused("expired", sliding.at("token/sliding/refresh"), bob, token)]

    def test_by_a_token_of_another_kind_is_refused(self, api, bob, made, log):
        token = made(bob, AccessToken)
        log.forget()
        api.post("refresh", refresh=str(token))

        assert log.new() == [refused("refused", api.at("token/refresh"), bob, token)]

    def test_by_a_forged_token_names_nobody(self, api, bob, made, log, monkeypatch):
        with monkeypatch.context() as patched:
            patched.setattr(token_backend, "signing_key", "of somebody else, and long enough too")
            text = str(made(bob))
        log.forget()
        api.post("refresh", refresh=text)

        assert log.new() == [refused("invalid", api.at("token/refresh"))]

    @pytest.mark.parametrize(("text", "reason"), [(WRONG, "malformed"), ("a.b.c", "invalid")])
    def test_by_what_is_no_token_is_refused(self, api, log, text, reason):
        api.post("refresh", refresh=text)

        assert log.new() == [refused(reason, api.at("token/refresh"))]

    def test_leaves_another_token_revoked(self, bob, made, act, log):
        refreshing, revoking = made(bob), made(bob)
        log.forget()

        def revoke_and_refresh(request):
            revoking.blacklist()
            TokenRefreshInputSchema(refresh=str(refreshing)).to_response_schema()

        act(revoke_and_refresh)

        assert [row["event"] for row in log.new()] == [
            "auth.token.revoked",
            "auth.token.refreshed",
        ]

    def test_of_nothing_is_nothing(self, api, log):
        api.post("refresh", refresh="")

        assert api.status == 400
        assert log.new() == []


class TestBearer:
    def test_of_a_good_token_is_nothing(self, api, bob, made, log):
        token = made(bob, AccessToken)
        log.forget()
        api.members(token)

        assert api.status == 200
        assert log.new() == []

    def test_of_a_bad_token_is_refused(self, api, bob, made, log):
        token = made(bob, AccessToken)
        token.set_exp(lifetime=-timedelta(days=1))
        log.forget()
        api.members(token)
        api.members(WRONG)

        assert api.status == 401
        at = api.at("members", "GET")
        assert log.new() == [refused("expired", at, bob, token), refused("malformed", at)]

    def test_of_an_inactive_account_is_refused(self, api, bob, made, log):
        token = made(bob, AccessToken)
        bob.is_active = False
        bob.save()
        log.forget()
        api.members(token)

        assert log.new() == [refused("inactive", api.at("members", "GET"), bob, token)]

    def test_of_a_deleted_account_is_refused(self, api, bob, made, log):
        token = made(bob, AccessToken)
        bob.delete()
        log.forget()
        api.members(token)

        assert log.new() == [refused("unknown_user", api.at("members", "GET"), token=token)]

    def test_where_the_keys_are_elsewhere_names_nobody(self, pairs, bob, made, log, monkeypatch):
        token = made(bob, AccessToken)
        token.set_exp(lifetime=-timedelta(days=1))
        text = str(token)
        log.forget()
        # Nobody is asked over the network for the sake of the log.
        monkeypatch.setattr(token_backend, "jwks_client", object())
        pairs.members(text)

        assert log.new() == [refused("refused", pairs.at("members", "GET"))]

    def test_that_is_missing_is_unauthenticated(self, api, log):
        api.client.get(f"/{api.prefix}/members")

        assert [row["event"] for row in log.new()] == ["authz.unauthenticated"]


class TestVerify:
    def test_a_good_token_is_nothing(self, api, bob, made, log):
        token = made(bob)
        log.forget()
        api.post("verify", token=str(token))

        assert api.status == 200
        assert log.new() == []

    def test_a_bad_token_is_refused(self, api, log):
        api.post("verify", token=WRONG)

        assert log.new() == [refused("malformed", api.at("token/verify"))]

    def test_a_revoked_token_is_refused(self, pairs, bob, made, log):
        token = made(bob)
        token.blacklist()
        log.forget()
        pairs.post("verify", token=str(token))

        assert pairs.status == 400
        assert log.new() == [refused("revoked", pairs.at("token/verify"), bob, token)]

    def test_nothing_is_nothing(self, pairs, log):
        pairs.post("verify", token="")

        assert pairs.status == 400
        assert log.new() == []


class TestRevoke:
    def test_is_one_entry_by_its_owner(self, pairs, bob, made, log):
        token = made(bob)
        log.forget()
        pairs.post("blacklist", refresh=str(token))
        pairs.post("blacklist", refresh=str(token))

        assert pairs.status == 401
        at = pairs.at("token/blacklist")
        assert log.new() == [
            revoked(bob, token, at, actor=bob),
            refused("revoked", at, bob, token),
        ]

    def test_by_the_project_is_one_entry(self, bob, made, log):
        token = made(bob)
        log.forget()
        token.blacklist()
        token.blacklist()

        assert log.new() == [revoked(bob, token)]

    def test_by_somebody_else_names_both(self, as_root, root, bob, made, act, log):
        token = made(bob)
        outstanding = OutstandingToken.objects.get()
        log.forget()
        as_root.post("/admin/token_blacklist/blacklistedtoken/add/", {"token": outstanding.pk})

        at = "POST /admin/token_blacklist/blacklistedtoken/add/"
        assert log.new() == [revoked(bob, token, at, actor=root)]

    def test_of_a_token_that_was_not_kept_names_its_owner(self, bob, made, log):
        token = made(bob)
        OutstandingToken.objects.all().delete()
        log.forget()
        token.blacklist()

        assert log.new() == [revoked(bob, token)]

    def test_that_is_rolled_back_is_told(self, bob, made, act, log):
        token = made(bob)
        log.forget()

        def roll_back(request):
            with transaction.atomic():
                token.blacklist()
                transaction.set_rollback(True)

        act(roll_back)

        [row] = log.new()
        assert (row["event"], row["outcome"]) == ("auth.token.revoked", "failure")
        assert row["metadata"]["rolled_back"] is True


class TestBesideSomethingElse:
    def test_a_session_is_the_only_login(self, bob, act, secrets, log):
        def sign_in(request):
            login(request, bob, BACKEND)
            schema = TokenObtainPairInputSchema.model_validate(TYPED, context={"request": request})
            secrets.learn(*schema.token_data.values())

        act(sign_in)

        assert [row["event"] for row in log.new()] == ["auth.login.success", "auth.token.created"]

    def test_a_failed_login_is_no_bad_token(self, pairs, bob, made, log):
        token = made(bob, AccessToken)
        log.forget()
        answer = pairs.client.get("/pairs/again", headers={"authorization": f"Bearer {token}"})

        assert answer.status_code == 401
        entry = failure(
            "auth.login.failure",
            user=bob,
            actor=bob,
            at=pairs.at("again", "GET"),
            reason="invalid_password",
        )
        assert log.new() == [entry]

    def test_a_schema_of_the_project_is_no_refresh(self, bob, made, act, log):
        class Own(Schema, InputSchemaMixin):
            name: str

            @classmethod
            def get_response_schema(cls):
                return Schema

        token = made(bob)
        log.forget()

        def look_at_token(request):
            RefreshToken(str(token))
            Own(name="bob").to_response_schema()

        act(look_at_token)

        assert log.new() == []


class TestWithoutALogin:
    def test_a_token_that_the_project_makes_is_one_entry(self, bob, made, log):
        token = made(bob)

        entry = success("auth.token.created", user=bob, via="ninja_jwt", token_id=token["jti"])
        assert log.new() == [entry]

    def test_a_token_beside_a_session_is_another_entry(self, bob, made, act, log):
        def sign_in(request):
            login(request, bob, BACKEND)
            made(bob)

        act(sign_in)

        assert [row["event"] for row in log.new()] == ["auth.login.success", "auth.token.created"]

    def test_fixtures_are_nothing(self, bob, made, log, tmp_path):
        made(bob).blacklist()
        kept = str(tmp_path / "kept.json")
        call_command("dumpdata", "token_blacklist", output=kept, verbosity=0)
        OutstandingToken.objects.all().delete()
        log.forget()
        call_command("loaddata", kept, verbosity=0)

        assert BlacklistedToken.objects.exists()
        assert log.new() == []


def test_an_error_of_a_view_is_nothing(pairs, bob, made, log):
    token = made(bob, AccessToken)
    log.forget()
    answer = pairs.client.get("/pairs/broken", headers={"authorization": f"Bearer {token}"})

    assert answer.status_code == 500
    assert log.new() == []


def test_connecting_twice_records_nothing_twice(pairs, bob, log):
    sources.connect_all()
    token = pairs.obtain()["refresh"]
    pairs.post("blacklist", refresh=token)
    pairs.post("refresh", refresh=token)

    assert [row["event"] for row in log.new()] == [
        "auth.login.success",
        "auth.token.revoked",
        "auth.token.failure",
    ]


def test_without_the_middleware_a_login_is_told_all_the_same(pairs, bob, log, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "authaudit" not in name]
    given = pairs.obtain()
    pairs.post("refresh", refresh=given["refresh"])
    pairs.post("refresh", refresh=given["refresh"])

    assert [row["event"] for row in log.new()] == [
        "auth.login.success",
        "auth.token.created",
        "auth.token.revoked",
    ]

"""Knox: tokens given, taken back and refused, and neither a token nor its digest in the log."""

import base64
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken
from rest_framework.authtoken.models import Token

from django_authaudit.cleaning import MASK
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

ADMIN = "/admin/knox/authtoken/"
AT = "POST /token/"
VIEWS = "tests.sources.urls_knox"
YESTERDAY, TOMORROW = timedelta(days=-1), timedelta(days=1)


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    """With ATOMIC_REQUESTS the framework rolls back whatever it refuses."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)
    return request.param


@pytest.fixture
def make(bob, log, secrets):
    """Return a function that makes a token of Bob's: the row, and what a client sends."""

    def run(expiry=TOMORROW, user=bob):
        row, token = AuthToken.objects.create(user=user, expiry=expiry)
        secrets.learn(token, token[15:], row.digest)
        log.forget()
        return row, token

    return run


def basic(password=PASSWORD):
    return {"authorization": f"Basic {base64.b64encode(f'bob:{password}'.encode()).decode()}"}


def bearer(token):
    return {"authorization": f"Token {token}"}


def created(row, user, **facts):
    facts = {"via": "knox", "token_id": row.token_key, **facts}
    return success("auth.token.created", user=user, **facts)


def revoked(row, user, **facts):
    facts = {"via": "knox", "token_id": row.token_key, **facts}
    return success("auth.token.revoked", user=user, **facts)


def signed_in(user, at=AT):
    return success("auth.login.success", user=user, actor=user, at=at, backend=MODEL_BACKEND)


def refused(reason, user=None, view="View", path="/view/", **facts):
    facts = {"code": "authentication_failed", "via": "knox", "reason": reason, **facts}
    return failure(
        "auth.token.failure", user=user, at=f"GET {path}", view=f"{VIEWS}.{view}", **facts
    )


class TestLogin:
    @pytest.mark.parametrize("path", ["/token/", "/documented/"])
    def test_is_a_login_and_a_new_token(self, client, bob, log, secrets, path):
        typed = {"username": "bob", "password": PASSWORD}
        headers = basic() if path == "/token/" else {}
        token = client.post(path, typed, headers=headers).json()["token"]
        row = AuthToken.objects.get()
        secrets.learn(token, token[15:], row.digest)

        at = f"POST {path}"
        entries = sorted(log.new(), key=lambda entry: entry["event"])
        assert entries == [signed_in(bob, at), created(row, bob, actor=bob, at=at)]

    def test_with_a_wrong_password_is_one_failure(self, client, bob, log):
        assert client.post("/token/", headers=basic(WRONG)).status_code == 401

        reason = {"reason": "invalid_password"}
        assert log.new() == [failure("auth.login.failure", user=bob, at=AT, **reason)]

    def test_with_too_many_tokens_is_forbidden(self, client, bob, log):
        assert client.post("/limited/", headers=basic()).status_code == 403

        view = {"view": f"{VIEWS}.Limited"}
        assert log.new() == [
            failure("authz.forbidden", user=bob, actor=bob, at="POST /limited/", **view)
        ]


class TestLogout:
    def test_is_a_logout_and_the_end_of_the_token(self, client, bob, make, log):
        row, token = make()
        make()
        assert client.post("/forget/", headers=bearer(token)).status_code == 204

        by = {"actor": bob, "at": "POST /forget/"}
        assert log.new() == [revoked(row, bob, **by), success("auth.logout", user=bob, **by)]

    def test_everywhere_is_a_logout_and_the_end_of_each_token(self, client, bob, make, log):
        (first, token), (second, _) = make(), make()
        client.post("/forget-all/", headers=bearer(token))

        by = {"actor": bob, "at": "POST /forget-all/"}
        first_entry, second_entry, last = log.new()
        ends = {entry["metadata"]["token_id"]: entry for entry in (first_entry, second_entry)}
        assert ends == {row.token_key: revoked(row, bob, **by) for row in (first, second)}
        assert last == success("auth.logout", user=bob, **by)


class TestTokens:
    def test_in_the_admin_name_who_did_it(self, as_root, root, bob, log, secrets):
        as_root.post(f"{ADMIN}add/", {"user": bob.pk})
        row = AuthToken.objects.get()
        secrets.learn(row.digest)
        as_root.post(f"{ADMIN}{row.digest}/delete/", {"post": "yes"})

        assert log.new() == [
            created(row, bob, actor=root, at=f"POST {ADMIN}add/"),
            revoked(row, bob, actor=root, at=f"POST {ADMIN}{MASK}/delete/"),
        ]

    def test_that_are_used_are_nothing_though_their_life_is_prolonged(
        self, client, make, log, settings
    ):
        settings.REST_KNOX = {"AUTO_REFRESH": True}
        row, token = make(expiry=timedelta(minutes=5))
        assert client.get("/view/", headers=bearer(token)).status_code == 200

        assert AuthToken.objects.get().expiry > row.expiry
        assert log.new() == []

    def test_that_are_over_are_removed_for_nothing(self, client, make, log):
        make(expiry=YESTERDAY)
        _, token = make(expiry=None)
        assert client.get("/view/", headers=bearer(token)).status_code == 200

        assert AuthToken.objects.count() == 1
        assert log.new() == []

    def test_whose_end_is_put_into_the_past_are_revoked(self, bob, make, log):
        row, _ = make()
        row.expiry = timezone.now() + YESTERDAY
        row.save()

        assert log.new() == [revoked(row, bob)]

    def test_that_go_with_their_account_are_part_of_that(self, bob, make, log):
        make()
        bob.delete()

        assert [row["event"] for row in log.new()] == ["account.deleted"]


class TestRefusal:
    def test_of_an_unknown_token_is_a_token_failure(self, client, log):
        assert client.get("/view/", headers=bearer(WRONG)).status_code == 401

        assert log.new() == [refused("unknown")]

    @pytest.mark.parametrize("text", ["", "two words"])
    def test_of_a_header_that_holds_no_token_is_a_token_failure(self, client, log, text):
        client.get("/view/", headers=bearer(text))

        assert log.new() == [refused("malformed")]

    def test_of_a_revoked_token_names_it(self, client, bob, make, log):
        row, token = make()
        AuthToken.objects.get().delete()
        client.get("/view/", headers=bearer(token))

        assert log.new() == [revoked(row, bob), refused("unknown", token_id=row.token_key)]

    @pytest.mark.parametrize("prefix", ["", "shop"])
    def test_of_an_expired_token_is_one_entry(
        self, client, bob, make, log, settings, atomic, prefix
    ):
        settings.REST_KNOX = {"TOKEN_PREFIX": prefix}
        row, token = make(expiry=YESTERDAY)
        client.get("/view/", headers=bearer(token))

        assert AuthToken.objects.exists() == atomic
        assert log.new() == [refused("expired", bob, token_id=row.token_key)]

    def test_of_the_token_of_an_inactive_account_says_so(self, client, bob, make, log):
        row, token = make()
        make(expiry=YESTERDAY)
        bob.is_active = False
        bob.save()
        log.forget()
        client.get("/view/", headers=bearer(token))

        assert log.new() == [refused("inactive", bob, token_id=row.token_key)]

    def test_by_a_rule_of_the_project_names_the_owner(self, client, bob, make, log):
        row, token = make()
        client.get("/strict/", headers=bearer(token))

        facts = {"token_id": row.token_key, "view": "Strict", "path": "/strict/"}
        assert log.new() == [refused("refused", bob, **facts)]

    def test_for_want_of_a_permission_is_forbidden(self, client, bob, make, log):
        _, token = make()
        client.get("/admins/", headers=bearer(token))

        facts = {"code": "permission_denied", "view": f"{VIEWS}.Admins"}
        assert log.new() == [
            failure("authz.forbidden", user=bob, actor=bob, at="GET /admins/", **facts)
        ]

    def test_by_another_authentication_is_that_ones(self, client, log):
        client.get("/view/", headers={"authorization": "Basic of no use"})

        facts = {"code": "authentication_failed", "via": "rest_framework", "reason": "malformed"}
        view = {"view": f"{VIEWS}.View", "at": "GET /view/"}
        assert log.new() == [failure("auth.login.failure", **facts, **view)]

    def test_without_a_token_is_unauthenticated(self, client, log):
        client.get("/view/")
        client.get("/view/", headers={"authorization": f"Bearer {WRONG}"})

        facts = {"code": "not_authenticated", "view": f"{VIEWS}.View"}
        assert log.new() == [failure("authz.unauthenticated", at="GET /view/", **facts)] * 2


class TestBesideTheFrameworksTokens:
    """What a view takes both of is refused by the first that it names, and told as that one's."""

    def test_an_expired_token_of_knox_is_that(self, client, bob, make, log):
        row, token = make(expiry=YESTERDAY)
        client.get("/knox-first/", headers=bearer(token))

        facts = {"token_id": row.token_key, "view": "KnoxFirst", "path": "/knox-first/"}
        assert log.new() == [refused("expired", bob, **facts)]

    def test_a_token_of_the_framework_that_knox_refuses_is_unknown_to_it(
        self, client, bob, secrets, log
    ):
        key = Token.objects.create(user=bob).key
        secrets.learn(key)
        log.forget()
        assert client.get("/knox-first/", headers=bearer(key)).status_code == 401

        facts = {"view": "KnoxFirst", "path": "/knox-first/"}
        assert log.new() == [refused("unknown", **facts)]

    def test_a_token_of_knox_that_the_framework_refuses_is_unknown_to_it(self, client, make, log):
        _, token = make()
        assert client.get("/knox-last/", headers=bearer(token)).status_code == 401

        facts = {"view": "KnoxLast", "path": "/knox-last/", "via": "rest_framework"}
        assert log.new() == [refused("unknown", **facts)]

"""Django REST framework: its tokens, and one entry for each refusal."""

import base64
import hashlib

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value
from rest_framework.authtoken.models import Token, TokenProxy

from tests import views
from tests.sources.conftest import Browser
from tests.sources.recorded import PASSWORD, WRONG, failure, success
from tests.users.models import Customer

VIEWS = "tests.sources.views_rest_framework"
AT = "POST /token/"
ADMIN = "/admin/authtoken/tokenproxy/"
ALL_BACKENDS = ["django.contrib.auth.backends.AllowAllUsersModelBackend"]


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    """With ATOMIC_REQUESTS the framework rolls back whatever it refuses."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)
    cache.clear()


@pytest.fixture
def token(bob, log, secrets):
    token = Token.objects.create(user=bob).key
    secrets.learn(token)
    log.forget()
    return token


def basic(name, password):
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"authorization": f"Basic {encoded}"}


def bearer(token):
    return {"authorization": f"Token {token}"}


def name_of(token):
    return hashlib.sha256(token.encode()).hexdigest()[:12]


def signed_in(user, token, at=AT):
    facts = {"via": "rest_framework", "token_id": name_of(token)}
    return success("auth.login.success", user=user, actor=user, at=at, **facts)


def created(user, token, **facts):
    facts = {"via": "rest_framework", "token_id": name_of(token), **facts}
    return success("auth.token.created", user=user, **facts)


def revoked(user, token, **facts):
    facts = {"via": "rest_framework", "token_id": name_of(token), **facts}
    return success("auth.token.revoked", user=user, **facts)


def refused_token(reason, user=None, **facts):
    facts = {"code": "authentication_failed", "via": "rest_framework", **facts}
    view = facts.pop("view", "ByToken")
    return refused("auth.token.failure", "/by-token/", view, user=user, reason=reason, **facts)


def obtain(client, path="/token/", name="bob", password=PASSWORD, **options):
    return client.post(path, {"username": name, "password": password}, **options)


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


@pytest.mark.parametrize("text", ["", "A", "Ym9i", "Ym9iOm5v Ym9i"])
def test_basic_authentication_that_cannot_be_read_is_a_malformed_login(client, log, text):
    answer = client.get("/basic/", headers={"authorization": f"Basic {text}"})

    assert answer.status_code == 401
    facts = {"code": "authentication_failed", "via": "rest_framework", "reason": "malformed"}
    assert log.new() == [refused("auth.login.failure", "/basic/", "Basic", **facts)]


def test_basic_authentication_of_an_inactive_account_says_so(client, bob, log, settings):
    # With this backend the password counts, and the framework refuses afterwards.
    settings.AUTHENTICATION_BACKENDS = ALL_BACKENDS
    bob.is_active = False
    bob.save()
    log.forget()
    assert client.get("/basic/", headers=basic("bob", PASSWORD)).status_code == 401

    facts = {"code": "authentication_failed", "via": "rest_framework", "reason": "inactive"}
    assert log.new() == [refused("auth.login.failure", "/basic/", "Basic", user=bob, **facts)]


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


def test_a_token_that_nobody_has_is_a_token_failure(client, log):
    # Whatever is sent in the place of a token may be a password: no trace of it is kept.
    assert client.get("/by-token/", headers=bearer(WRONG)).status_code == 401

    assert log.new() == [refused_token("unknown")]


@pytest.mark.parametrize("text", ["", "two words", "t\u00f6ken"])
def test_a_header_that_holds_no_token_is_a_token_failure(client, log, text):
    sent = bearer(text)["authorization"].encode().decode("latin-1")
    assert client.get("/by-token/", headers={"authorization": sent}).status_code == 401

    assert log.new() == [refused_token("malformed")]


def test_a_revoked_token_is_known_again_by_its_name(client, bob, token, log):
    Token.objects.get().delete()
    client.get("/by-token/", headers=bearer(token))

    assert log.new() == [
        revoked(bob, token),
        refused_token("unknown", token_id=name_of(token)),
    ]


def test_a_token_of_an_inactive_account_is_a_token_failure(client, bob, token, log):
    bob.is_active = False
    bob.save()
    log.forget()
    client.get("/by-token/", headers=bearer(token))

    assert log.new() == [refused_token("inactive", bob, token_id=name_of(token))]


def test_a_token_that_an_authentication_of_the_project_refuses_names_its_owner(
    client, bob, token, log
):
    sent = {"authorization": f"bearer {token}"}
    assert client.get("/by-strict-token/", headers=sent).status_code == 401

    facts = {"code": "out_of_hours", "via": "rest_framework", "token_id": name_of(token)}
    assert log.new() == [
        refused(
            "auth.token.failure",
            "/by-strict-token/",
            "Strict",
            user=bob,
            reason="refused",
            **facts,
        )
    ]


def test_a_token_is_a_token_failure_in_any_form_of_the_answer(client, bob, log, settings):
    settings.REST_FRAMEWORK = {"EXCEPTION_HANDLER": f"{VIEWS}.own_form"}
    assert client.get("/by-token/", headers=bearer(WRONG)).json() == {"error": "Invalid token."}

    facts = {"via": "rest_framework", "reason": "unknown"}
    assert log.new() == [refused("auth.token.failure", "/by-token/", "ByToken", **facts)]


def test_a_scheme_that_the_view_does_not_take_is_unauthenticated(client, log):
    client.get("/by-token/", headers={"authorization": f"Negotiate {WRONG}"})
    client.get("/by-token/")

    code = {"code": "not_authenticated"}
    assert log.new() == [refused("authz.unauthenticated", "/by-token/", "ByToken", **code)] * 2


def test_a_good_token_is_nothing(client, token, log):
    assert client.get("/by-token/", headers=bearer(token)).status_code == 200
    assert log.new() == []


def test_asking_for_a_token_with_a_wrong_password_is_one_failed_login(client, bob, log):
    answer = client.post("/token/", {"username": "bob", "password": WRONG})

    assert answer.status_code == 400
    assert log.new() == [
        failure("auth.login.failure", user=bob, at="POST /token/", reason="invalid_password")
    ]


def test_the_first_token_for_a_password_is_a_login_and_a_new_token(client, bob, log, secrets):
    token = obtain(client).json()["token"]
    secrets.learn(token)

    assert log.new() == [
        created(bob, token, actor=bob, at=AT),
        signed_in(bob, token),
    ]


def test_the_same_token_once_more_is_a_login(client, async_client, bob, token, log):
    assert obtain(client).json() == {"token": token}
    assert obtain(async_client).json() == {"token": token}

    assert log.new() == [signed_in(bob, token), signed_in(bob, token)]


def test_a_token_is_found_in_any_answer_that_carries_it(client, bob, token, log):
    obtain(client, "/own-token/")
    obtain(client, "/token-in-cookie/")

    assert log.new() == [
        signed_in(bob, token, at="POST /own-token/"),
        signed_in(bob, token, at="POST /token-in-cookie/"),
    ]


def test_an_answer_without_a_token_is_no_login(client, bob, log):
    assert obtain(client, "/token-by-mail/").status_code == 200
    assert client.options("/token/").status_code == 200

    assert log.new() == []


def test_a_view_that_signs_in_as_well_is_one_login(client, bob, token, log):
    obtain(client, "/token-and-session/")

    at = "POST /token-and-session/"
    backend = "django.contrib.auth.backends.ModelBackend"
    assert log.new() == [
        success("auth.login.success", user=bob, actor=bob, at=at, backend=backend)
    ]


def test_a_view_that_sends_the_signal_is_one_login_and_a_new_token(client, bob, log, secrets):
    token = obtain(client, "/token-and-signal/").json()["auth_token"]
    secrets.learn(token)

    by = {"actor": bob, "at": "POST /token-and-signal/"}
    backend = "django.contrib.auth.backends.ModelBackend"
    assert log.new() == [
        created(bob, token, **by),
        success("auth.login.success", user=bob, **by, backend=backend),
    ]


def test_asking_for_a_token_without_a_password_is_nothing(client, bob, log):
    assert client.post("/token/", {"username": "bob"}).status_code == 400
    assert log.new() == []


def test_the_token_of_another_account_is_a_login_of_that_account(as_bob, alice, log, secrets):
    token = obtain(as_bob, name="alice").json()["token"]
    secrets.learn(token)

    assert log.new() == [
        created(alice, token, actor=alice, at=AT),
        signed_in(alice, token),
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


def test_a_permission_with_a_code_of_its_own_is_forbidden(client, bob, token, log):
    client.get("/api-members/", headers=bearer(token))

    facts = {"user": bob, "actor": bob, "code": "suspended"}
    assert log.new() == [refused("authz.forbidden", "/api-members/", "Members", **facts)]


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


def test_a_csrf_rejection_names_the_origin_alone_of_the_page_it_came_from(secrets, bob, log):
    secrets.learn("the-secret")
    strict = Browser(secrets, enforce_csrf_checks=True)
    strict.force_login(bob)
    log.forget()
    referer = "https://elsewhere.example/reset/the-secret"
    strict.post("/by-session/", secure=True, headers={"referer": referer})

    origin = "https://elsewhere.example"
    reason = f"Referer checking failed - {origin} does not match any trusted origins."
    assert [row["metadata"]["reason"] for row in log.new()] == [reason]


def test_invalid_data_is_nothing(client, log):
    assert client.get("/invalid/").status_code == 400
    assert log.new() == []


class TestTokens:
    def test_created_and_revoked_in_the_admin_name_who_did_it(
        self, as_root, root, bob, alice, log, secrets
    ):
        as_root.post(f"{ADMIN}add/", {"user": bob.pk})
        token = Token.objects.get().key
        secrets.learn(token)
        path = f"{ADMIN}{bob.pk}/delete/"
        as_root.post(path, {"post": "yes"})

        assert log.new() == [
            created(bob, token, actor=root, at=f"POST {ADMIN}add/"),
            revoked(bob, token, actor=root, at=f"POST {path}"),
        ]

    def test_given_to_another_account_is_revoked_and_created(
        self, as_root, root, bob, alice, token, log
    ):
        path = f"{ADMIN}{bob.pk}/change/"
        as_root.post(path, {"user": alice.pk})

        facts = {"actor": root, "at": f"POST {path}", "reason": "owner_changed"}
        assert log.new() == [revoked(bob, token, **facts), created(alice, token, **facts)]

    def test_in_code_are_recorded_without_a_request(self, bob, log, secrets):
        token = Token.objects.create(user=bob)
        key = token.key
        secrets.learn(key)
        token.delete()

        assert log.new() == [created(bob, key), revoked(bob, key)]

    def test_renewed_by_the_command_are_two_entries(self, bob, token, log, capsys, secrets):
        call_command("drf_create_token", "bob", "--reset")
        key = Token.objects.get().key
        secrets.learn(key)

        command = {"command": "drf_create_token"}
        assert log.new() == [revoked(bob, token, **command), created(bob, key, **command)]

    def test_deleted_by_a_queryset_are_one_entry_each(self, bob, alice, token, log, secrets):
        other = Token.objects.create(user=alice).key
        secrets.learn(other)
        log.forget()
        Token.objects.only("created").delete()

        found = sorted(log.new(), key=lambda entry: entry["username"])
        assert found == [revoked(alice, other), revoked(bob, token)]

    def test_deleted_through_the_proxy_is_one_entry(self, bob, token, log):
        TokenProxy.objects.get().delete()

        assert log.new() == [revoked(bob, token)]

    @pytest.mark.parametrize("how", ["instance", "queryset", "child", "admin"])
    def test_that_go_with_their_account_are_part_of_that(self, as_root, bob, token, log, how):
        Customer(user_ptr=bob, number="7").save_base(raw=True)
        if how == "instance":
            bob.delete()
        elif how == "queryset":
            type(bob).objects.filter(pk=bob.pk).delete()
        elif how == "child":
            Customer.objects.get().delete()
        else:
            as_root.post(f"/admin/auth/user/{bob.pk}/delete/", {"post": "yes"})

        assert not Token.objects.exists()
        assert [(row["event"], row["username"]) for row in log.new()] == [
            ("account.deleted", "bob")
        ]

    def test_saved_without_a_change_are_nothing(self, bob, token, log):
        saved = Token.objects.get()
        saved.save()
        saved.save(update_fields=["created"])
        saved.user_id = F("user_id") + Value(0)
        saved.save()

        assert log.new() == []

    def test_loaded_from_a_fixture_are_nothing(self, bob, token, log, tmp_path):
        fixture = tmp_path / "tokens.json"
        call_command("dumpdata", "authtoken.token", output=str(fixture))
        call_command("loaddata", str(fixture), verbosity=0)

        assert log.new() == []

    def test_rolled_back_never_read_as_done(self, client, bob, log, secrets, monkeypatch):
        def act(request):
            token = Token.objects.create(user=bob)
            secrets.learn(token.key)
            raise RuntimeError

        monkeypatch.setitem(views.acts, "test", act)
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        client.post("/act/test/")

        (row,) = log.new()
        assert row["event"] == "auth.token.created"
        assert row["outcome"] == "failure"
        assert row["metadata"]["rolled_back"]

"""dj-rest-auth: one login, one logout and one reset, by session, token or JSON Web Token."""

import hashlib
import re

import pytest
from dj_rest_auth.app_settings import api_settings
from dj_rest_auth.serializers import LoginSerializer
from django.core import mail
from django.db import connection
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken
from rest_framework_simplejwt.tokens import RefreshToken

from django_authaudit import sources
from tests.sources.conftest import Browser
from tests.sources.recorded import NEW, PASSWORD, WRONG, failure, success

BACKEND = "django.contrib.auth.backends.AllowAllUsersModelBackend"
LINK = re.compile(r"/reset/([\w-]+)/([\w-]+)/")
TYPED = {"username": "bob", "password": PASSWORD}
LOGIN, LOGOUT, CHANGE = "/api/login/", "/api/logout/", "/api/password/change/"
RESET, CONFIRM = "/api/password/reset/", "/api/password/reset/confirm/"
JSON = {"content_type": "application/json"}


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def rest_auth(monkeypatch):
    """Return a function that changes the package's settings."""

    def change(**values):
        for name, value in values.items():
            monkeypatch.setattr(api_settings, name, value)

    return change


@pytest.fixture(params=["session", "token", "jwt", "jwt without session"])
def way(request, rest_auth):
    """Each way of signing in that the package knows."""
    rest_auth(
        SESSION_LOGIN="without" not in request.param and request.param != "token",
        USE_JWT="jwt" in request.param,
        TOKEN_MODEL=Token if request.param == "token" else None,
    )
    return request.param


def sign_in(browser, path=LOGIN, **typed):
    answer = browser.post(path, {**TYPED, **typed})
    found = answer.json() if answer.content else {}
    names = ("key", "access", "refresh")
    browser.secrets.learn(*(found.get(name, "") for name in names))
    browser.secrets.learn(*(morsel.value for morsel in browser.cookies.values()))
    return answer


def token_id(user):
    return hashlib.sha256(Token.objects.get(user=user).key.encode()).hexdigest()[:12]


def of_token(event, user, at, token_id):
    facts = {"via": "rest_framework", "token_id": token_id}
    return success(event, user=user, actor=user, at=f"POST {at}", **facts)


def signed_in(user, at=LOGIN):
    facts = {"backend": BACKEND, "via": "dj_rest_auth", "at": f"POST {at}"}
    return success("auth.login.success", user=user, actor=user, **facts)


def wrong(user=None, at=LOGIN, **facts):
    facts = {"via": "dj_rest_auth", "at": f"POST {at}", **facts}
    return failure("auth.login.failure", user=user, **facts)


def signed_out(user):
    return success("auth.logout", user=user, actor=user, at=f"POST {LOGOUT}", via="dj_rest_auth")


class TestLogin:
    @pytest.mark.parametrize("path", [LOGIN, "/own/login/"])
    def test_is_one_entry_and_a_new_token(self, client, way, bob, log, path):
        assert sign_in(client, path).status_code in (200, 204)

        made = [of_token("auth.token.created", bob, path, token_id(bob))] if way == "token" else []
        assert log.new() == [*made, signed_in(bob, path)]

        sign_in(Browser(client.secrets), path)
        assert log.new() == [signed_in(bob, path)]

    def test_by_the_address_is_one_entry(self, client, way, bob, log):
        client.post(LOGIN, {"email": bob.email, "password": WRONG})

        assert log.new() == [wrong(bob, reason="invalid_password")]

    def test_with_a_wrong_password_is_one_failure(self, client, way, bob, log):
        assert sign_in(client, password=WRONG).status_code == 400
        sign_in(client, username="nobody")

        assert log.new() == [
            wrong(bob, reason="invalid_password"),
            wrong(username="nobody", reason="unknown_user"),
        ]

    def test_by_an_unknown_address_is_one_failure(self, client, way, log):
        """The package asks nobody then."""
        client.post(LOGIN, {"email": "nobody@example.org", "password": WRONG})

        assert log.new() == [wrong(username="nobody@example.org", reason="unknown_user")]

    def test_by_an_inactive_account_is_one_failure(self, client, way, bob, log):
        bob.is_active = False
        bob.save()
        log.forget()
        assert sign_in(client).status_code == 400

        assert log.new() == [wrong(bob, reason="inactive")]

    def test_that_a_serializer_of_the_project_refuses_is_one_failure(
        self, client, way, bob, log, monkeypatch
    ):
        def refuse(user):
            from rest_framework.exceptions import ValidationError

            raise ValidationError("not today")

        monkeypatch.setattr(
            "dj_rest_auth.serializers.LoginSerializer.validate_auth_user_status",
            staticmethod(refuse),
        )
        sign_in(client)

        assert log.new() == [wrong(bob, reason="not_permitted")]

    def test_that_breaks_is_nothing(self, client, way, bob, log, monkeypatch):
        def broken(*args):
            raise RuntimeError

        monkeypatch.setattr(
            "dj_rest_auth.serializers.LoginSerializer.validate_auth_user_status", broken
        )
        client.post(LOGIN, TYPED)

        assert log.new() == []

    def test_by_the_serializer_without_a_view_is_one_failure(self, act, bob, log):
        def ask(request):
            serializer = LoginSerializer(
                data={**TYPED, "password": WRONG}, context={"request": request}
            )
            assert not serializer.is_valid()

        act(ask)

        assert [row["metadata"] for row in log.new()] == [{"reason": "invalid_password"}]

    def test_of_nothing_is_nothing(self, client, way, log):
        assert client.post(LOGIN, {}).status_code == 400
        assert client.post(LOGIN, {"username": "bob"}).status_code == 400

        assert log.new() == []

    def test_for_the_options_is_nothing(self, client, way, log):
        assert client.options(LOGIN).status_code == 200

        assert log.new() == []


class TestLogout:
    def test_is_one_entry_and_the_token_gone(self, client, way, bob, log):
        answer = sign_in(client)
        key = answer.json()["key"] if way == "token" else ""
        old = token_id(bob) if way == "token" else ""
        jti = RefreshToken(client.cookies["refresh"].value)["jti"] if "jwt" in way else ""
        headers = {"authorization": f"Token {key}"} if key else {}
        log.forget()
        assert client.post(LOGOUT, headers=headers).status_code == 200

        gone = [of_token("auth.token.revoked", bob, LOGOUT, old)] if old else []
        entries = [row for row in log.new() if row["metadata"].get("via") != "simplejwt"]
        assert entries == [*gone, signed_out(bob)]
        assert BlacklistedToken.objects.filter(token__jti=jti).exists() == bool(jti)

    def test_that_revokes_a_jwt_is_that_besides(self, client, rest_auth, bob, log):
        rest_auth(USE_JWT=True, TOKEN_MODEL=None)
        sign_in(client)
        log.forget()
        client.post(LOGOUT)

        assert [(row["event"], row["user"]) for row in log.new()] == [
            ("auth.logout", bob.pk),
            ("auth.token.revoked", bob.pk),
        ]

    def test_as_nobody_is_nothing(self, client, rest_auth, log):
        client.post(LOGOUT)
        rest_auth(SESSION_LOGIN=False)
        assert client.post(LOGOUT).status_code == 400

        assert log.new() == []

    def test_by_a_link_is_one_entry(self, as_bob, bob, settings, log):
        settings.ACCOUNT_LOGOUT_ON_GET = True
        assert as_bob.get(LOGOUT).status_code == 200

        facts = {"at": f"GET {LOGOUT}", "via": "dj_rest_auth"}
        assert log.new() == [success("auth.logout", user=bob, actor=bob, **facts)]

    def test_by_a_link_of_a_token_is_one_entry(self, secrets, bob, settings, rest_auth, log):
        settings.ACCOUNT_LOGOUT_ON_GET = True
        rest_auth(SESSION_LOGIN=False)
        key = Token.objects.create(user=bob).key
        secrets.learn(key)
        log.forget()
        Browser(secrets).get(LOGOUT, headers={"authorization": f"Token {key}"})

        assert [row["event"] for row in log.new()] == ["auth.token.revoked", "auth.logout"]

    def test_by_a_token_that_was_revoked_is_refused(self, client, rest_auth, bob, log):
        rest_auth(USE_JWT=True, SESSION_LOGIN=False, TOKEN_MODEL=None)
        sign_in(client)
        token = RefreshToken(client.cookies["refresh"].value)
        token.blacklist()
        log.forget()
        assert client.post(LOGOUT).status_code == 401

        facts = {"via": "dj_rest_auth", "token_id": token["jti"], "kind": "refresh"}
        assert log.new() == [
            failure(
                "auth.token.failure",
                user=bob,
                actor=bob,
                at=f"POST {LOGOUT}",
                reason="revoked",
                **facts,
            )
        ]

    def test_with_a_token_in_the_body_that_is_none_is_refused(self, client, rest_auth, bob, log):
        rest_auth(USE_JWT=True, SESSION_LOGIN=False, TOKEN_MODEL=None, JWT_AUTH_HTTPONLY=False)
        sign_in(client)
        log.forget()
        assert client.post(LOGOUT, {"refresh": WRONG}, **JSON).status_code == 401

        [row] = log.new()
        assert (row["event"], row["user"]) == ("auth.token.failure", bob.pk)
        assert row["metadata"] == {"via": "dj_rest_auth", "reason": "malformed"}

    def test_without_a_token_leaves_another_token_revoked(self, client, rest_auth, bob, log):
        """That of the database, which the package takes back where there is one."""
        rest_auth(USE_JWT=True)
        sign_in(client)
        client.secrets.learn(Token.objects.create(user=bob).key)
        del client.cookies["refresh"]
        log.forget()
        client.post(LOGOUT)

        assert [(row["event"], row["user"]) for row in log.new()] == [
            ("auth.token.revoked", bob.pk),
            ("auth.logout", bob.pk),
            ("auth.token.failure", None),
        ]

    def test_without_a_token_is_refused(self, client, rest_auth, bob, log):
        rest_auth(USE_JWT=True, TOKEN_MODEL=None)
        sign_in(client)
        del client.cookies["refresh"]
        log.forget()
        assert client.post(LOGOUT).status_code == 401

        logout, refusal = log.new()
        assert logout == signed_out(bob)
        assert refusal["event"] == "auth.token.failure"
        assert refusal["metadata"] == {"via": "dj_rest_auth", "reason": "missing"}


class TestPassword:
    def change(self, browser, old=PASSWORD, new=NEW):
        typed = {"old_password": old, "new_password1": new, "new_password2": new}
        return browser.post(CHANGE, typed)

    def test_that_is_changed_is_one_entry(self, as_bob, bob, log):
        assert self.change(as_bob).status_code == 200

        at = f"POST {CHANGE}"
        facts = {"user": bob, "actor": bob, "at": at, "by": "self"}
        assert log.new() == [success("auth.password.changed", **facts)]

    def test_that_is_wrong_is_a_failed_change(self, as_bob, bob, log):
        assert self.change(as_bob, old=WRONG).status_code == 400

        facts = {"user": bob, "actor": bob, "at": f"POST {CHANGE}", "via": "dj_rest_auth"}
        event = "auth.password.change_failure"
        assert log.new() == [failure(event, reason="invalid_password", **facts)]

    def test_that_is_weak_or_missing_is_nothing(self, as_bob, log):
        self.change(as_bob, new="short")
        self.change(as_bob, old="")

        assert log.new() == []


class TestReset:
    def requested(self, user=None, outcome=success, **facts):
        facts |= {"at": f"POST {RESET}", "via": "dj_rest_auth"}
        return outcome("auth.password_reset.requested", user=user, **facts)

    def refused(self, user=None):
        facts = {"at": f"POST {CONFIRM}", "reason": "invalid_link", "via": "dj_rest_auth"}
        return failure("auth.password_reset.failure", user=user, **facts)

    def link(self, client, log, bob):
        client.post(RESET, {"email": bob.email})
        log.forget()
        uid, token = LINK.findall(mail.outbox[-1].body)[0]
        return {"uid": uid, "token": token}

    def confirm(self, client, path=CONFIRM, new=NEW, **link):
        return client.post(path, {**link, "new_password1": new, "new_password2": new})

    def test_that_is_asked_for_is_one_entry_whoever_it_is_for(self, client, bob, log):
        client.post(RESET, {"email": bob.email})
        client.post(RESET, {"email": "nobody@example.org"}, **JSON)

        assert len(mail.outbox) == 1
        assert log.new() == [self.requested(bob), self.requested(email="nobody@example.org")]

    def test_that_is_asked_for_of_no_address_is_nothing(self, client, log):
        assert client.post(RESET, {"email": "no address"}).status_code == 400
        client.options(RESET)

        assert log.new() == []

    def test_whose_message_fails_says_so(self, client, bob, log, monkeypatch):
        def unreachable(*args, **kwargs):
            raise ConnectionError

        monkeypatch.setattr("django.contrib.auth.forms.PasswordResetForm.send_mail", unreachable)
        assert client.post(RESET, {"email": bob.email}).status_code == 500

        assert log.new() == [self.requested(bob, failure)]

    @pytest.mark.parametrize("path", [CONFIRM, "/own/password/reset/confirm/"])
    def test_that_is_completed_is_no_change_of_a_password_besides(self, client, bob, log, path):
        link = self.link(client, log, bob)
        assert self.confirm(client, path, **link).status_code == 200

        facts = {"user": bob, "at": f"POST {path}", "via": "dj_rest_auth"}
        assert log.new() == [success("auth.password_reset.completed", **facts)]

    def test_by_a_link_that_was_used_is_refused(self, client, bob, log):
        link = self.link(client, log, bob)
        self.confirm(client, **link)
        log.forget()
        assert self.confirm(client, **link).status_code == 400

        assert log.new() == [self.refused(bob)]

    @pytest.mark.parametrize("uid", ["MTIzNDU2", "____", "YWJj", "x"])
    def test_by_a_link_of_nobody_is_refused(self, client, bob, log, uid):
        self.confirm(client, uid=uid, token="token")

        assert log.new() == [self.refused()]

    def test_with_a_weak_password_or_without_a_link_is_nothing(self, client, bob, log):
        link = self.link(client, log, bob)
        self.confirm(client, new="short", **link)
        self.confirm(client)

        assert log.new() == []

    def test_is_none_where_another_view_changes_the_password(self, act, bob, log):
        def change(request):
            bob.set_password(NEW)
            bob.save()

        act(change)

        assert [row["event"] for row in log.new()] == ["auth.password.changed"]


def test_connecting_twice_records_nothing_twice(client, bob, log):
    sources.connect_all()
    sign_in(client)
    client.post(LOGOUT)

    assert [row["event"] for row in log.new()] == [
        "auth.token.created",
        "auth.login.success",
        "auth.token.revoked",
        "auth.logout",
    ]

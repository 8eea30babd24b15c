"""Djoser: what happens to an account over its API is one entry each, however it is signed in."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model, login, user_logged_in
from django.core import mail
from django.db import connection
from django.db.models.signals import post_delete
from djoser.conf import settings as djoser_settings
from rest_framework.authtoken.models import Token
from social_core.pipeline import DEFAULT_AUTH_PIPELINE

from django_authaudit import context, sources
from tests.sources.conftest import Browser
from tests.sources.provider import running_provider
from tests.sources.recorded import MODEL_BACKEND, NEW, PASSWORD, WRONG, failure, success

LINK = re.compile(r"/(?:activate|reset|rename)/([\w-]+)/([\w-]+)/")
TYPED = {"username": "bob", "password": PASSWORD}
LOGIN, LOGOUT = "/api/token/login/", "/api/token/logout/"
HARBOUR = "/api/o/harbour/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def djoser(monkeypatch):
    """Return a function that changes the package's settings."""

    def change(**values):
        assert djoser_settings.LOGIN_FIELD == "username"
        for name, value in values.items():
            monkeypatch.setattr(djoser_settings._wrapped, name, value)

    return change


@pytest.fixture(params=["api/users", "own"])
def users(request):
    """The address of the package's view set, and of one that a project has made of it."""
    return f"/{request.param}/"


class Signed:
    """A client that is signed in by a token."""

    def __init__(self, secrets, user):
        self.token = Token.objects.get_or_create(user=user)[0].key
        secrets.learn(self.token)
        self.client = Browser(secrets, headers={"authorization": f"Token {self.token}"})

    def post(self, path, **data):
        return self.client.post(path, data, content_type="application/json")

    def delete(self, path, **data):
        return self.client.delete(path, data, content_type="application/json")


@pytest.fixture
def signed(secrets, bob, log):
    signed = Signed(secrets, bob)
    log.forget()
    return signed


def sent_link(secrets):
    uid, token = LINK.findall(mail.outbox[-1].body)[0]
    secrets.learn(token)
    return {"uid": uid, "token": token}


def token_id(user):
    import hashlib

    return hashlib.sha256(Token.objects.get(user=user).key.encode()).hexdigest()[:12]


def created(user, at=LOGIN, **facts):
    facts |= {"via": "rest_framework", "token_id": token_id(user)}
    return success("auth.token.created", user=user, actor=user, at=f"POST {at}", **facts)


def revoked(user, token_id, at):
    return success(
        "auth.token.revoked", user=user, actor=user, at=at, via="rest_framework", token_id=token_id
    )


def signed_in(user, at=LOGIN):
    facts = {"backend": MODEL_BACKEND, "via": "djoser", "at": f"POST {at}"}
    return success("auth.login.success", user=user, actor=user, **facts)


def signed_out(user, at=LOGOUT):
    return success("auth.logout", user=user, actor=user, at=f"POST {at}", via="djoser")


def own(event, user, at, outcome=success, **facts):
    return outcome(event, user=user, actor=user, at=at, **facts)


class TestToken:
    @pytest.mark.parametrize("session", [False, True])
    def test_signing_in_is_one_login_and_a_new_token(
        self, client, secrets, bob, djoser, log, session
    ):
        djoser(CREATE_SESSION_ON_LOGIN=session)
        secrets.learn(client.post(LOGIN, TYPED).json()["auth_token"])
        first = log.new()
        client.post(LOGIN, TYPED)

        assert ("sessionid" in client.cookies) == session
        assert first == [created(bob), signed_in(bob)]
        assert log.new() == [signed_in(bob)]

    def test_signing_in_with_a_wrong_password_is_one_failure(self, client, bob, log):
        assert client.post(LOGIN, {**TYPED, "password": WRONG}).status_code == 400
        client.post(LOGIN, {**TYPED, "username": "nobody"})

        facts = {"via": "djoser", "at": f"POST {LOGIN}"}
        assert log.new() == [
            failure("auth.login.failure", user=bob, reason="invalid_password", **facts),
            failure("auth.login.failure", username="nobody", reason="unknown_user", **facts),
        ]

    def test_signing_out_is_one_logout_and_the_token_gone(self, signed, bob, log):
        old = token_id(bob)
        assert signed.post(LOGOUT).status_code == 204

        assert log.new() == [revoked(bob, old, f"POST {LOGOUT}"), signed_out(bob)]

    def test_signing_out_of_a_session_too_is_one_logout(self, secrets, bob, djoser, log):
        djoser(CREATE_SESSION_ON_LOGIN=True)
        browser = Browser(secrets)
        secrets.learn(browser.post(LOGIN, TYPED).json()["auth_token"])
        old = token_id(bob)
        log.forget()
        browser.post(LOGOUT)

        assert log.new() == [revoked(bob, old, f"POST {LOGOUT}"), signed_out(bob)]

    def test_of_somebody_else_is_not_the_act_of_who_signs_in(
        self, client, secrets, bob, alice, log
    ):
        def make_another(**kwargs):
            secrets.learn(Token.objects.create(user=alice).key)

        user_logged_in.connect(make_another)
        try:
            secrets.learn(client.post(LOGIN, TYPED).json()["auth_token"])
        finally:
            user_logged_in.disconnect(make_another)

        assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
            ("auth.token.created", bob.pk, bob.pk),
            ("auth.login.success", bob.pk, bob.pk),
            ("auth.token.created", alice.pk, None),
        ]

    def test_signing_out_as_nobody_is_unauthenticated(self, client, log):
        assert client.post(LOGOUT).status_code == 401

        assert [row["event"] for row in log.new()] == ["authz.unauthenticated"]


class TestAccount:
    NEW_ACCOUNT = {"username": "carol", "email": "carol@example.org", "password": PASSWORD}

    def register(self, client, users):
        assert client.post(users, self.NEW_ACCOUNT).status_code == 201
        return get_user_model().objects.get(username="carol")

    def test_that_is_made_is_one_entry(self, client, users, log):
        carol = self.register(client, users)

        assert log.new() == [
            success("account.created", user=carol, at=f"POST {users}", via="djoser")
        ]

    def test_that_waits_for_its_activation_is_one_entry(self, client, users, djoser, secrets, log):
        djoser(SEND_ACTIVATION_EMAIL=True)
        carol = self.register(client, users)
        made = log.new()
        client.post(f"{users}activation/", sent_link(secrets))

        facts = {"via": "djoser", "user": carol}
        assert made == [success("account.created", at=f"POST {users}", active=False, **facts)]
        activated = success("account.activated", at=f"POST {users}activation/", **facts)
        assert log.new() == [activated]

    def test_that_is_activated_by_an_old_link_is_forbidden(
        self, client, users, djoser, secrets, log
    ):
        djoser(SEND_ACTIVATION_EMAIL=True)
        carol = self.register(client, users)
        link = sent_link(secrets)
        carol.is_active = True
        carol.save()
        log.forget()
        assert client.post(f"{users}activation/", link).status_code == 403

        assert [row["event"] for row in log.new()] == ["authz.forbidden"]

    @pytest.mark.parametrize("session", [False, True])
    @pytest.mark.parametrize("path", ["me/", "{}/"])
    def test_that_is_deleted_is_one_entry(self, signed, users, bob, djoser, log, path, session):
        djoser(CREATE_SESSION_ON_LOGIN=session)
        at = f"{users}{path.format(bob.pk)}"
        assert signed.delete(at, current_password=PASSWORD).status_code == 204

        assert not get_user_model().objects.filter(pk=bob.pk).exists()
        assert [(row["event"], row["user"], row["actor"], row["at"]) for row in log.new()] == [
            ("account.deleted", bob.pk, bob.pk, f"DELETE {at}")
        ]

    def test_of_somebody_else_that_is_deleted_leaves_the_session(
        self, secrets, users, root, bob, djoser, log
    ):
        by_root = Signed(secrets, root)
        log.forget()
        gone = by_root.delete(f"{users}{bob.pk}/", current_password=PASSWORD)
        assert gone.status_code == 204

        [row] = log.new()
        assert (row["event"], row["user"], row["actor"]) == ("account.deleted", bob.pk, root.pk)
        assert by_root.client.get(f"{users}me/").status_code == 200

    def test_that_is_deleted_leaves_what_else_is_done(self, secrets, signed, users, alice, log):
        token = Signed(secrets, alice).token
        log.forget()

        def clean_up(**kwargs):
            Token.objects.get(key=token).delete()

        post_delete.connect(clean_up, sender=get_user_model())
        try:
            signed.delete(f"{users}me/", current_password=PASSWORD)
        finally:
            post_delete.disconnect(clean_up, sender=get_user_model())

        assert [(row["event"], row["username"]) for row in log.new()] == [
            ("account.deleted", "bob"),
            ("auth.token.revoked", "alice"),
        ]

    def test_that_is_made_without_the_middleware_is_told(self, client, users, log, settings):
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "authaudit" not in name]
        carol = self.register(client, users)

        assert log.new() == [success("account.created", user=carol)]

    def test_that_is_renamed_is_one_entry(self, signed, users, bob, log):
        at = f"{users}set_username/"
        signed.post(at, current_password=PASSWORD, new_username="robert")

        bob.username = "robert"
        change = {"old": "bob", "new": "robert"}
        assert log.new() == [own("account.renamed", bob, f"POST {at}", **change)]

    def test_whose_name_was_forgotten_is_renamed(self, client, users, bob, secrets, log):
        client.post(f"{users}reset_username/", {"email": bob.email})
        assert log.new() == []

        at = f"{users}reset_username_confirm/"
        client.post(at, {**sent_link(secrets), "new_username": "robert"})
        bob.username = "robert"
        change = {"old": "bob", "new": "robert"}
        assert log.new() == [success("account.renamed", user=bob, at=f"POST {at}", **change)]


class TestPassword:
    @pytest.mark.parametrize("sign_out", [False, True])
    def test_that_is_changed_is_one_entry(self, signed, users, bob, djoser, log, sign_out):
        djoser(LOGOUT_ON_PASSWORD_CHANGE=sign_out, CREATE_SESSION_ON_LOGIN=sign_out)
        old = token_id(bob)
        path = f"{users}set_password/"
        signed.post(path, current_password=PASSWORD, new_password=NEW)

        changed = own("auth.password.changed", bob, f"POST {path}", by="self")
        gone = [revoked(bob, old, f"POST {path}"), signed_out(bob, path)]
        assert log.new() == [changed, *(gone if sign_out else [])]

    def test_that_is_wrong_is_a_failed_change(self, signed, users, bob, log):
        at = f"{users}set_password/"
        assert signed.post(at, current_password=WRONG, new_password=NEW).status_code == 400

        facts = {"reason": "invalid_password", "via": "djoser"}
        entry = own("auth.password.change_failure", bob, f"POST {at}", failure, **facts)
        assert log.new() == [entry]

    def test_that_is_wrong_for_anything_else_is_a_failed_reauthentication(
        self, signed, users, bob, log
    ):
        signed.post(f"{users}set_username/", current_password=WRONG, new_username="robert")
        signed.delete(f"{users}me/", current_password=WRONG)

        facts = {"reason": "invalid_password", "via": "djoser"}
        event = "auth.reauthentication.failure"
        assert log.new() == [
            own(event, bob, f"POST {users}set_username/", failure, **facts),
            own(event, bob, f"DELETE {users}me/", failure, **facts),
        ]

    def test_that_is_weak_or_missing_is_nothing(self, signed, users, log):
        signed.post(f"{users}set_password/", current_password=PASSWORD, new_password="short")
        signed.post(f"{users}set_password/", new_password=NEW)

        assert log.new() == []


class TestReset:
    def ask(self, client, users, email="bob@example.org"):
        return client.post(f"{users}reset_password/", {"email": email})

    def requested(self, users, user=None, outcome=success, **facts):
        facts |= {"via": "djoser", "at": f"POST {users}reset_password/"}
        return outcome("auth.password_reset.requested", user=user, **facts)

    def refused(self, users, user=None):
        facts = {"reason": "invalid_link", "via": "djoser"}
        at = f"POST {users}reset_password_confirm/"
        return failure("auth.password_reset.failure", user=user, at=at, **facts)

    def confirm(self, client, users, **data):
        return client.post(f"{users}reset_password_confirm/", {"new_password": NEW, **data})

    def test_that_is_asked_for_is_one_entry_whoever_it_is_for(self, client, users, bob, log):
        self.ask(client, users)
        self.ask(client, users, "nobody@example.org")

        assert len(mail.outbox) == 1
        assert log.new() == [
            self.requested(users, bob),
            self.requested(users, email="nobody@example.org"),
        ]

    def test_that_is_asked_for_of_an_unknown_address_is_the_same_where_that_is_an_error(
        self, client, users, djoser, log
    ):
        djoser(PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND=True)
        assert self.ask(client, users, "nobody@example.org").status_code == 400

        assert log.new() == [self.requested(users, email="nobody@example.org")]

    def test_that_is_asked_for_of_no_address_is_nothing(self, client, users, djoser, log):
        djoser(PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND=True)
        assert self.ask(client, users, "no address").status_code == 400

        assert log.new() == []

    def test_whose_message_fails_says_so(self, client, users, bob, log, monkeypatch):
        def unreachable(*args, **kwargs):
            raise ConnectionError

        monkeypatch.setattr("djoser.email.PasswordResetEmail.send", unreachable)
        assert self.ask(client, users).status_code == 500

        assert log.new() == [self.requested(users, bob, failure)]

    def test_that_is_completed_is_no_change_of_a_password_besides(
        self, client, users, bob, secrets, log
    ):
        self.ask(client, users)
        log.forget()
        assert self.confirm(client, users, **sent_link(secrets)).status_code == 204

        at = f"POST {users}reset_password_confirm/"
        completed = success("auth.password_reset.completed", user=bob, at=at, via="djoser")
        assert log.new() == [completed]

    def test_by_a_link_that_was_used_is_refused(self, client, users, bob, secrets, log):
        self.ask(client, users)
        link = sent_link(secrets)
        self.confirm(client, users, **link)
        log.forget()
        assert self.confirm(client, users, **link).status_code == 400

        assert log.new() == [self.refused(users, bob)]

    @pytest.mark.parametrize("uid", ["MTIzNDU2", "____", "YWJj", "x"])
    def test_by_a_link_of_nobody_is_refused(self, client, users, bob, log, uid):
        self.confirm(client, users, uid=uid, token="token")

        assert log.new() == [self.refused(users)]

    def test_is_none_where_another_view_changes_the_password(self, act, bob, log):
        def change(request):
            bob.set_password(NEW)
            bob.save()

        act(change)

        assert [row["event"] for row in log.new()] == ["auth.password.changed"]

    def test_with_a_weak_password_is_nothing(self, client, users, bob, secrets, log):
        self.ask(client, users)
        log.forget()
        self.confirm(client, users, **sent_link(secrets), new_password="short")

        assert log.new() == []

    def test_without_a_link_is_nothing(self, client, users, log):
        self.confirm(client, users)

        assert log.new() == []


class TestProvider:
    CODE, TOKEN = "code-of-the-harbour", "access-token-of-the-harbour"

    @pytest.fixture
    def provider(self, settings, secrets):
        secrets.learn(self.CODE, self.TOKEN, settings.SOCIAL_AUTH_HARBOUR_SECRET)
        with running_provider() as provider:
            settings.SOCIAL_AUTH_HARBOUR_URL = provider.url
            provider.answer("/token", {"access_token": self.TOKEN})
            who = {"number": 17, "login": "carol", "email": "carol@example.org"}
            provider.answer("/user", who)
            yield provider
            for _, sent in provider.asked:
                secrets.learn(sent.get("code_verifier"))

    def sign_in(self, client, **sent):
        begun = client.get(HARBOUR, {"redirect_uri": django_settings.CALLBACK}).json()
        state = parse_qs(urlsplit(begun["authorization_url"]).query)["state"][0]
        client.secrets.learn(state)
        # In the query the package looks at the state itself, and social-auth-core 6.2 once more.
        answer = client.post(HARBOUR, {"state": state, "code": self.CODE, **sent})
        if answer.status_code == 201:
            client.secrets.learn(*answer.json().values())
        return answer.status_code

    def failed(self, **facts):
        return failure("auth.sso.failure", at=f"POST {HARBOUR}", provider="harbour", **facts)

    def test_signs_in_with_one_entry(self, client, provider, log):
        assert self.sign_in(client) == 201
        log.forget()
        assert self.sign_in(client) == 201

        carol = get_user_model().objects.get(username="carol")
        facts = {"via": "djoser", "provider": "harbour"}
        assert log.new() == [own("auth.login.success", carol, f"POST {HARBOUR}", **facts)]

    def test_that_refuses_is_one_entry(self, client, provider, log):
        provider.answer("/token", {"error": "invalid_grant"}, status=400)
        assert self.sign_in(client) == 400

        [row] = log.new()
        assert (row["event"], row["metadata"]["provider"]) == ("auth.sso.failure", "harbour")

    @pytest.mark.parametrize("step", ["refuses", "nobody"])
    def test_that_the_pipeline_refuses_is_one_entry(self, client, provider, settings, log, step):
        settings.SOCIAL_AUTH_PIPELINE = [*DEFAULT_AUTH_PIPELINE, f"tests.sources.harbour.{step}"]
        self.sign_in(client)

        events = [row["event"] for row in log.new() if row["event"] != "account.created"]
        assert events == ["auth.sso.failure"]

    def test_that_gives_a_session_as_well_is_one_login(self, client, provider, log, monkeypatch):
        def obtain(user):
            login(context.current().request, user, MODEL_BACKEND)
            return {"user": user}

        self.sign_in(client)
        log.forget()
        monkeypatch.setattr("djoser.social.token.jwt.TokenStrategy.obtain", obtain)
        assert self.sign_in(client) == 201

        assert [row["event"] for row in log.new()] == ["auth.login.success"]

    def test_that_was_not_asked_is_one_entry(self, client, provider, log):
        assert client.post(HARBOUR, query_params={"state": "forged"}).status_code == 400

        [row] = log.new()
        assert row["event"] == "auth.sso.failure"
        assert row["metadata"]["via"] == "djoser"

    def test_whom_the_pipeline_lets_through_as_nobody_is_no_login(
        self, client, provider, log, monkeypatch
    ):
        monkeypatch.setattr(
            "djoser.social.token.jwt.TokenStrategy.obtain", lambda user: {"user": user}
        )
        monkeypatch.setattr("tests.sources.harbour.Harbour.auth_complete", lambda self: None)
        assert self.sign_in(client) == 201

        assert log.new() == []


def test_connecting_twice_records_nothing_twice(client, bob, secrets, log):
    sources.connect_all()
    secrets.learn(client.post(LOGIN, TYPED).json()["auth_token"])
    client.post("/api/users/reset_password/", {"email": bob.email})
    link = sent_link(secrets)
    client.post("/api/users/reset_password_confirm/", {**link, "new_password": NEW})

    assert [row["event"] for row in log.new()] == [
        "auth.token.created",
        "auth.login.success",
        "auth.password_reset.requested",
        "auth.password_reset.completed",
    ]

"""django-allauth without its pages, as a browser's script and as an app: the same is told."""

import json
import re

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from fido2.utils import websafe_decode

from django_authaudit.context import session_ref
from tests.sources.allauthed import (
    BACKEND,
    SECRET,
    code_of,
    mailed_code,
    mailed_link,
)
from tests.sources.conftest import Browser
from tests.sources.recorded import NEW, PASSWORD, WRONG, failure, success
from tests.sources.security_key import SecurityKey

pytest_plugins = ["tests.sources.allauth_fixtures", "tests.sources.factors"]

WRONG_CODE = "abcdef"
OTHER, UNKNOWN = "robert@example.org", "nobody@example.org"
JWT = "allauth.headless.tokens.strategies.jwt.JWTTokenStrategy"
DUMMY = {"provider": "dummy", "uid": "1234"}


class Api:
    """A client of the API; an app has no cookies, but a token."""

    def __init__(self, kind, secrets):
        self.kind, self.secrets = kind, secrets
        self.browser, self.token = Browser(secrets), ""

    def path(self, name):
        return f"/api/{self.kind}/v1/{name}"

    def call(self, method, name, data=None, **headers):
        if self.token:
            headers["x-session-token"] = self.token
        body = {} if data is None else {"data": data, "content_type": "application/json"}
        if self.kind == "app":
            self.browser.cookies.clear()
        answer = getattr(self.browser, method)(self.path(name), **body, headers=headers)
        meta = answer.json().get("meta", {})
        self.token = meta.get("session_token", self.token)
        self.secrets.learn(*(str(value) for value in meta.values()))
        return answer

    def get(self, name, **headers):
        return self.call("get", name, **headers)

    def post(self, name, **data):
        return self.call("post", name, data)

    def put(self, name, **data):
        return self.call("put", name, data)

    def delete(self, name, **data):
        return self.call("delete", name, data)

    def sign_in(self, password=PASSWORD, **name):
        return self.post("auth/login", password=password, **(name or {"username": "bob"}))

    @property
    def session(self):
        from django.contrib.sessions.backends.db import SessionStore

        return SessionStore(self.token) if self.kind == "app" else self.browser.session

    def of(self, event, user, name, outcome=success, verb="POST", **facts):
        facts = {"actor": user, "via": "allauth", **facts}
        return outcome(event, user=user, at=f"{verb} {self.path(name)}", **facts)

    def signed_in(self, user, name="auth/login", **facts):
        facts = {"backend": BACKEND, "method": "password", **facts}
        return self.of("auth.login.success", user, name, **facts)

    def failed(self, user, name="auth/login", **facts):
        facts = {"actor": None, "method": "password", **facts}
        return self.of("auth.login.failure", user, name, failure, **facts)


def reset_key():
    """Return the key of the link that was mailed to who has an account."""
    bodies = "".join(message.body for message in mail.outbox)
    return re.search(r"/password/reset/key/([^/\s]+)/", bodies)[1]


@pytest.fixture(params=["browser", "app"])
def api(request, secrets):
    return Api(request.param, secrets)


@pytest.fixture
def as_bob(api, bob, log):
    api.sign_in()
    log.forget()
    return api


@pytest.fixture
def main_address(bob, log):
    facts = {"user": bob, "email": bob.email, "verified": True, "primary": True}
    address = EmailAddress.objects.create(**facts)
    log.forget()
    return address


class TestAnswer:
    """The API answers 401 whenever nobody is signed in yet."""

    def test_to_who_only_asks_is_nothing(self, api, log):
        assert api.get("auth/session").status_code == 401

        assert log.new() == []

    def test_to_who_asks_for_what_needs_a_login_is_a_refusal(self, api, log):
        for name in ("account/authenticators", "account/email"):
            assert api.get(name).status_code == 401
        assert api.post("auth/2fa/authenticate", code=WRONG_CODE).status_code == 401

        assert [(entry["event"], entry["at"]) for entry in log.new()] == [
            ("authz.unauthenticated", f"GET {api.path('account/authenticators')}"),
            ("authz.unauthenticated", f"GET {api.path('account/email')}"),
            ("authz.unauthenticated", f"POST {api.path('auth/2fa/authenticate')}"),
        ]

    def test_to_who_has_to_reauthenticate_is_nothing(self, as_bob, log, settings):
        settings.MFA_REAUTHENTICATION_REQUIRED = True
        assert as_bob.get("account/authenticators/webauthn").status_code == 401

        assert log.new() == []

    def test_to_who_comes_too_often_is_rate_limited(self, api, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
        api.sign_in(WRONG)
        assert api.sign_in(WRONG).status_code == 429

        view = "allauth.headless.account.views.LoginView"
        at = f"POST {api.path('auth/login')}"
        assert log.new() == [
            api.failed(bob, reason="invalid_password"),
            failure("authz.rate_limited", at=at, view=view),
        ]


class TestLogin:
    def test_is_one_entry(self, api, bob, log):
        assert api.sign_in().status_code == 200

        assert log.new() == [api.signed_in(bob)]

    def test_names_the_session_in_which_all_else_happens(self, api, bob, log):
        api.sign_in()
        ref = session_ref(api.session.session_key)
        api.post("account/password/change", current_password=WRONG, new_password=NEW)

        assert {row.session_ref for row in log.rows()} == {ref}

    def test_with_a_wrong_password_is_one_failure(self, api, bob, log):
        assert api.sign_in(WRONG).status_code == 400
        api.sign_in(WRONG, email=bob.email)
        api.sign_in(email=UNKNOWN)

        assert log.new() == [
            api.failed(bob, reason="invalid_password"),
            api.failed(bob, reason="invalid_password"),
            api.failed(username=UNKNOWN, email=UNKNOWN, user=None, reason="unknown_user"),
        ]

    def test_with_what_is_no_address_is_malformed(self, api, log):
        api.sign_in(email="bob@")

        assert log.new() == [
            failure(
                "auth.login.failure",
                username="bob@",
                at=f"POST {api.path('auth/login')}",
                reason="malformed",
                field="email",
                via="allauth",
            )
        ]

    def test_that_is_rate_limited_is_throttled(self, api, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
        api.sign_in(WRONG)
        api.sign_in()

        assert log.new() == [
            api.failed(bob, reason="invalid_password"),
            api.failed(bob, reason="throttled"),
        ]

    def test_with_a_second_factor_is_told_when_that_is_passed(self, api, bob, app, log):
        assert api.sign_in().status_code == 401
        assert log.new() == []
        at = "auth/2fa/authenticate"
        assert api.post(at, code=WRONG_CODE).status_code == 400
        assert api.post(at, code=code_of(SECRET)).status_code == 200

        event, facts = "auth.mfa.challenge", {"actor": None, "kind": "totp"}
        wrong = api.of(f"{event}.failure", bob, at, failure, reason="invalid_code", **facts)
        assert log.new() == [
            wrong,
            api.of(f"{event}.success", bob, at, factor=app.pk, **facts),
            api.signed_in(bob, at, mfa="totp"),
        ]

    def test_by_passkey_says_nothing_of_a_password_given_before(self, api, bob, log):
        key, at = SecurityKey(), "auth/webauthn/login"
        data = {"name": "key", "credential": key.registered(b"challenge")}
        Authenticator.objects.create(user=bob, type="webauthn", data=data)
        log.forget()
        api.sign_in()
        api.get(at)
        challenge = websafe_decode(api.session["mfa.webauthn.state"]["challenge"])
        api.post(at, credential=key.signed(challenge, bob))

        assert log.new() == [api.signed_in(bob, at, method="webauthn")]

    def test_by_code_is_one_entry(self, api, bob, log):
        assert api.post("auth/code/request", email=bob.email).status_code == 401
        at = "auth/code/confirm"
        api.post(at, code="WRON-GONE")
        api.post(at, code=mailed_code())

        assert log.new() == [
            api.failed(bob, at, method="code", reason="invalid_code"),
            api.signed_in(bob, at, method="code"),
        ]

    def test_is_ended_by_one_entry(self, as_bob, bob, log):
        assert as_bob.call("delete", "auth/session").status_code == 401

        at = f"DELETE {as_bob.path('auth/session')}"
        assert log.new() == [success("auth.logout", user=bob, actor=bob, at=at)]

    def test_may_follow_a_signup(self, api, log):
        api.post("auth/signup", username="carol", email=OTHER, password=NEW)

        carol = get_user_model().objects.get()
        assert log.new() == [
            api.of("account.created", carol, "auth/signup", actor=None),
            api.signed_in(carol, "auth/signup", method="signup"),
        ]


class TestAccount:
    def test_is_reauthenticated_or_not(self, as_bob, bob, log):
        at, facts = "auth/reauthenticate", {"method": "password"}
        as_bob.post(at, password=WRONG)
        as_bob.post(at, password=PASSWORD)

        event = "auth.reauthentication"
        wrong = as_bob.of(f"{event}.failure", bob, at, failure, reason="invalid_password", **facts)
        assert log.new() == [wrong, as_bob.of(f"{event}.success", bob, at, **facts)]

    def test_has_its_password_changed_or_not(self, as_bob, bob, log):
        at = "account/password/change"
        as_bob.post(at, current_password=WRONG, new_password=NEW)
        as_bob.post(at, current_password=PASSWORD, new_password=NEW)

        event, reason = "auth.password.change_failure", "invalid_password"
        assert log.new() == [
            as_bob.of(event, bob, at, failure, reason=reason),
            as_bob.of("auth.password.changed", bob, at, by="self"),
        ]

    def test_has_its_first_password_set(self, as_bob, bob, log):
        at = "account/password/change"
        get_user_model().objects.update(password="!none")
        as_bob.browser.force_login(get_user_model().objects.get())
        as_bob.token = as_bob.browser.session.session_key
        log.forget()
        as_bob.post(at, new_password=NEW)

        assert log.new() == [as_bob.of("auth.password.changed", bob, at, by="self", first=True)]

    def test_has_its_password_reset(self, api, bob, log):
        ask, at = "auth/password/request", "auth/password/reset"
        api.post(ask, email=bob.email)
        api.post(ask, email=UNKNOWN)
        key = reset_key()
        api.post(at, key=f"{user_pk_to_url_str(bob)}-nonsense", password=NEW)
        api.post(at, key=key, password=NEW)

        event, facts = "auth.password_reset", {"actor": None, "method": "link"}
        bad = {"actor": None, "reason": "invalid_link"}
        assert log.new() == [
            api.of(f"{event}.requested", bob, ask, **facts),
            api.of(f"{event}.requested", None, ask, email=UNKNOWN, **facts),
            api.of(f"{event}.failure", bob, at, failure, **bad),
            api.of(f"{event}.completed", bob, at, **facts),
        ]

    def test_has_its_password_reset_by_code(self, api, bob, log, settings):
        settings.ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
        ask, at = "auth/password/request", "auth/password/reset"
        assert api.post(ask, email=bob.email).status_code == 401
        api.post(at, key="WRON-GONE", password=NEW)
        api.post(at, key=mailed_code(), password=NEW)

        event, facts = "auth.password_reset", {"actor": None, "method": "code"}
        wrong = {"actor": None, "reason": "invalid_code"}
        assert log.new() == [
            api.of(f"{event}.requested", bob, ask, **facts),
            api.of(f"{event}.failure", bob, at, failure, **wrong),
            api.of(f"{event}.completed", bob, at, **facts),
        ]

    def test_has_addresses_added_verified_made_the_main_one_and_removed(
        self, as_bob, bob, main_address, log
    ):
        at = "account/email"
        as_bob.post(at, email=OTHER)
        as_bob.post("auth/email/verify", key=mailed_link().rstrip("/").rpartition("/")[2])
        as_bob.call("patch", at, {"email": OTHER, "primary": True})
        as_bob.delete(at, email="bob@example.org")

        event, old = "account.email_changed", "bob@example.org"
        now = {"email": OTHER}
        assert log.new() == [
            as_bob.of(event, bob, at, added=OTHER),
            as_bob.of("account.email_verified", bob, "auth/email/verify", address=OTHER),
            as_bob.of(event, bob, at, verb="PATCH", actor=bob, old=old, new=OTHER, **now),
            as_bob.of(event, bob, at, verb="DELETE", removed=old, **now),
        ]


class TestFactor:
    def test_is_added_and_removed(self, as_bob, bob, log, secrets):
        at = "account/authenticators/totp"
        secret = as_bob.get(at).json()["meta"]["secret"]
        as_bob.post(at, code=code_of(secret))
        new, old = (Authenticator.objects.get(type=name) for name in ("totp", "recovery_codes"))
        as_bob.post("account/authenticators/recovery-codes")
        again = Authenticator.objects.get(type="recovery_codes")
        as_bob.delete(at)

        generated = "auth.mfa.recovery_codes_generated"
        made_anew = {"factor": again.pk, "regenerated": True}
        factor = {"kind": "totp", "factor": new.pk}
        gone = {"verb": "DELETE", "recovery_codes": True}
        assert log.new() == [
            as_bob.of("auth.mfa.enrolled", bob, at, **factor),
            as_bob.of(generated, bob, at, factor=old.pk),
            as_bob.of(generated, bob, "account/authenticators/recovery-codes", **made_anew),
            as_bob.of("auth.mfa.removed", bob, at, **factor, **gone),
        ]

    def test_of_several_that_are_removed_at_once_the_last_takes_the_recovery_codes(
        self, as_bob, bob, codes, log
    ):
        keys = [
            Authenticator.objects.create(user=bob, type="webauthn", data={"name": name})
            for name in ("one", "two")
        ]
        log.forget()
        pks, at = [key.pk for key in keys], "account/authenticators/webauthn"
        as_bob.delete(at, authenticators=pks)

        first, last = (
            as_bob.of("auth.mfa.removed", bob, at, verb="DELETE", kind="webauthn", factor=pk)
            for pk in pks
        )
        last["metadata"]["recovery_codes"] = True
        assert log.new() == [first, last]

    def test_reauthenticates_and_is_no_challenge(self, api, bob, app, log):
        api.sign_in()
        api.post("auth/2fa/authenticate", code=code_of(SECRET))
        cache.clear()
        log.forget()
        at = "auth/2fa/reauthenticate"
        api.post(at, code=WRONG_CODE)
        api.post(at, code=code_of(SECRET))

        event, facts = "auth.reauthentication", {"method": "totp"}
        assert log.new() == [
            api.of(f"{event}.failure", bob, at, failure, reason="invalid_code", **facts),
            api.of(f"{event}.success", bob, at, **facts),
        ]


class TestSocialAccount:
    AT = "auth/provider/token"

    def come(self, api, token, process="login"):
        return api.post(self.AT, provider="dummy", process=process, token={"id_token": token})

    def test_signs_in(self, api, bob, log):
        SocialAccount.objects.create(user=bob, **DUMMY)
        log.forget()
        self.come(api, json.dumps({"id": 1234}))

        assert log.new() == [api.signed_in(bob, self.AT, method="social", provider="dummy")]

    def test_is_connected_and_disconnected(self, as_bob, bob, log):
        self.come(as_bob, json.dumps({"id": 1234}), "connect")
        as_bob.delete("account/providers", provider="dummy", account="1234")

        event, at = "auth.social", "account/providers"
        assert log.new() == [
            as_bob.of(f"{event}.connected", bob, self.AT, **DUMMY),
            as_bob.of(f"{event}.disconnected", bob, at, verb="DELETE", **DUMMY),
        ]

    def test_whose_token_is_refused_is_a_failure(self, api, log, secrets):
        token = "not-even-json"
        secrets.learn(token)
        self.come(api, token)

        facts = {"actor": None, "provider": "dummy", "reason": "invalid_token"}
        assert log.new() == [api.of("auth.sso.failure", None, self.AT, failure, **facts)]

    def test_of_an_unknown_provider_is_a_failure(self, secrets, log):
        api = Api("browser", secrets)
        at = "auth/provider/redirect"
        facts = {"provider": "nobody", "process": "login", "callback_url": "/"}
        api.browser.post(api.path(at), facts)

        facts = {"provider": "nobody", "reason": "unknown", "exception": "ValidationError"}
        assert log.new() == [api.of("auth.sso.failure", None, at, failure, actor=None, **facts)]


class TestSession:
    def test_of_another_place_is_revoked_and_the_own_one_signed_out(
        self, as_bob, bob, log, secrets
    ):
        other = Api("browser", secrets)
        other.sign_in()
        log.forget()
        own, others = (api.session.session_key for api in (as_bob, other))
        pks = [UserSession.objects.get(session_key=key).pk for key in (others, own)]
        as_bob.delete("auth/sessions", sessions=pks)

        at = f"DELETE {as_bob.path('auth/sessions')}"
        facts = {"via": "allauth", "session_ref": session_ref(others)}
        assert log.new() == [
            success("auth.session.revoked", user=bob, actor=bob, at=at, **facts),
            success("auth.logout", user=bob, actor=bob, at=at),
        ]

    def test_that_is_gone_is_a_refused_token(self, secrets, log):
        api = Api("app", secrets)
        api.token = "a-session-that-never-was"
        secrets.learn(api.token)
        assert api.get("auth/session").status_code == 410

        facts = {"verb": "GET", "actor": None, "reason": "unknown_session"}
        assert log.new() == [api.of("auth.token.failure", None, "auth/session", failure, **facts)]


class TestToken:
    @pytest.fixture
    def api(self, secrets, settings, bob, log):
        settings.HEADLESS_TOKEN_STRATEGY = JWT
        api = Api("app", secrets)
        return api

    def test_that_is_handed_out_at_a_login_is_part_of_it(self, api, bob, log):
        meta = api.sign_in().json()["meta"]

        assert {"access_token", "refresh_token"} <= set(meta)
        assert log.new() == [api.signed_in(bob)]

    def test_is_refreshed_once(self, api, bob, log):
        token = api.sign_in().json()["meta"]["refresh_token"]
        log.forget()
        answer = api.post("tokens/refresh", refresh_token=token).json()["data"]
        api.secrets.learn(*answer.values())
        api.token = ""
        api.post("tokens/refresh", refresh_token=token)

        good, bad = log.new()
        refreshed = jwt.decode(token, options={"verify_signature": False})
        assert good["metadata"].pop("token_id") == refreshed["jti"]
        at = "tokens/refresh"
        assert good == api.of("auth.token.refreshed", bob, at)
        assert bad == api.of("auth.token.failure", None, at, failure, reason="invalid_token")

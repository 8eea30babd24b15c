"""Second factors of django-allauth: added, used, refused, removed."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.cache import cache
from django.db import transaction

from tests.sources.allauthed import BACKEND, SECRET, code_of, mailed_code
from tests.sources.recorded import PASSWORD, WRONG, failure, success
from tests.sources.security_key import SecurityKey

pytest_plugins = ["tests.sources.allauth_fixtures", "tests.sources.factors"]

MFA, LOGIN = "/accounts/2fa/", "/accounts/login/"
ACTIVATE, DEACTIVATE = f"{MFA}totp/activate/", f"{MFA}totp/deactivate/"
GENERATE = f"{MFA}recovery-codes/generate/"
AUTHENTICATE, REAUTHENTICATE = f"{MFA}authenticate/", f"{MFA}reauthenticate/"
KEYS = f"{MFA}webauthn/"
ADMIN = "/admin/mfa/authenticator/"
WRONG_CODE, WRONG_RECOVERY_CODE = "abcdef", "abcdefgh"


def of(event, user, at, outcome=success, **facts):
    facts = {"actor": user, "via": "allauth", **facts}
    return outcome(event, user=user, at=f"POST {at}", **facts)


def signed_in(user, at, **facts):
    facts = {"backend": BACKEND, "method": "password", **facts}
    return of("auth.login.success", user, at, **facts)


def enrolled(factor, at, **facts):
    facts = {"kind": factor.type, "factor": factor.pk, **facts}
    return of("auth.mfa.enrolled", factor.user, at, **facts)


def generated(factor, at, **facts):
    facts = {"factor": factor.pk, **facts}
    return of("auth.mfa.recovery_codes_generated", factor.user, at, **facts)


def removed(user, at, pk, kind, **facts):
    return of("auth.mfa.removed", user, at, kind=kind, factor=pk, **facts)


@pytest.fixture
def key(as_bob, bob, log, secrets):
    """Bob's security key."""
    key = SecurityKey()
    add_key(as_bob, key)
    log.forget()
    codes = Authenticator.objects.get(type="recovery_codes").wrap()
    secrets.learn(codes.instance.data["seed"], *codes.generate_codes())
    as_bob.cookies.clear()
    as_bob.force_login(bob)
    log.forget()
    return key


def challenge(client):
    from fido2.utils import websafe_decode

    return websafe_decode(client.session["mfa.webauthn.state"]["challenge"])


def add_key(client, key):
    client.get(f"{KEYS}add/")
    client.post(f"{KEYS}add/", key.posted(key.registered(challenge(client))))


def give_password(client):
    client.post(LOGIN, {"login": "bob", "password": PASSWORD})


class TestFactor:
    def test_that_is_added_is_one_entry_and_its_recovery_codes_another(
        self, as_bob, bob, log, secrets
    ):
        as_bob.get(ACTIVATE)
        secret = as_bob.session["mfa.totp.secret"]
        secrets.learn(secret)
        as_bob.post(ACTIVATE, {"code": WRONG_CODE})
        assert log.new() == []
        as_bob.post(ACTIVATE, {"code": code_of(secret)})

        app = Authenticator.objects.get(type="totp")
        codes = Authenticator.objects.get(type="recovery_codes")
        assert log.new() == [enrolled(app, ACTIVATE), generated(codes, ACTIVATE)]

    def test_whose_addition_is_rolled_back_says_so(self, act, bob, log):
        def view(request):
            with transaction.atomic():
                totp.TOTP.activate(bob, SECRET)
                transaction.set_rollback(True)

        act(view)

        (entry,) = log.new()
        assert (entry["event"], entry["outcome"]) == ("auth.mfa.enrolled", "failure")
        assert entry["metadata"]["rolled_back"] is True

    def test_that_is_the_last_is_removed_with_the_recovery_codes_in_one_entry(
        self, as_bob, bob, app, codes, log
    ):
        as_bob.post(DEACTIVATE)

        assert log.new() == [removed(bob, DEACTIVATE, app.pk, "totp", recovery_codes=True)]

    def test_that_is_not_the_last_leaves_the_recovery_codes(self, as_bob, bob, key, app, log):
        as_bob.post(DEACTIVATE)

        assert log.new() == [removed(bob, DEACTIVATE, app.pk, "totp")]

    def test_that_is_removed_without_recovery_codes_says_nothing_of_them(
        self, as_bob, bob, app, log
    ):
        as_bob.post(DEACTIVATE)

        assert log.new() == [removed(bob, DEACTIVATE, app.pk, "totp")]

    def test_has_its_recovery_codes_made_anew_in_one_entry(self, as_bob, bob, app, codes, log):
        as_bob.post(GENERATE)

        new = Authenticator.objects.get(type="recovery_codes")
        assert log.new() == [generated(new, GENERATE, regenerated=True)]

    def test_that_is_used_and_seen_is_not_added(self, as_bob, app, codes, log):
        app.record_usage()
        as_bob.get(f"{MFA}recovery-codes/")

        assert log.new() == []

    def test_that_is_deleted_in_the_admin_is_removed(self, as_root, root, bob, app, log):
        at = f"{ADMIN}{app.pk}/delete/"
        as_root.post(at, {"post": "yes"})

        assert log.new() == [removed(bob, at, app.pk, "totp", actor=root)]

    @pytest.mark.parametrize("made", [("app", "codes"), ("codes", "app")])
    def test_that_is_deleted_in_the_admin_with_its_codes_is_one_entry(
        self, request, as_root, root, bob, log, made
    ):
        rows = [request.getfixturevalue(name) for name in made]
        pks = [getattr(row, "instance", row).pk for row in rows]
        chosen = {"action": "delete_selected", "_selected_action": pks, "post": "yes"}
        as_root.post(ADMIN, chosen)

        pk = pks[made.index("app")]
        assert log.new() == [removed(bob, ADMIN, pk, "totp", actor=root, recovery_codes=True)]

    def test_keeps_on_when_its_recovery_codes_alone_are_deleted(
        self, as_root, root, bob, app, codes, log
    ):
        pk = codes.instance.pk
        at = f"{ADMIN}{pk}/delete/"
        as_root.post(at, {"post": "yes"})

        assert log.new() == [removed(bob, at, pk, "recovery_codes", actor=root)]

    def test_goes_with_the_account_in_one_entry(self, as_root, root, bob, app, codes, log):
        at = f"/admin/auth/user/{bob.pk}/delete/"
        deleted = success("account.deleted", user=bob, actor=root, at=f"POST {at}")
        as_root.post(at, {"post": "yes"})

        assert log.new() == [deleted]

    def test_that_a_fixture_holds_is_nothing(self, app, log):
        stored = serializers.serialize("json", [app])
        Authenticator.objects.all()._raw_delete("default")
        for loaded in serializers.deserialize("json", stored):
            loaded.save()

        assert log.new() == []


class TestChallenge:
    def refused(self, user, reason="invalid_code", at=AUTHENTICATE, **facts):
        facts = {"actor": None, "reason": reason, **facts}
        return of("auth.mfa.challenge.failure", user, at, failure, **facts)

    def passed(self, user, kind, factor, at=AUTHENTICATE):
        facts = {"actor": None, "kind": kind, "factor": factor.pk}
        return of("auth.mfa.challenge.success", user, at, **facts)

    def test_comes_after_a_password_that_is_nothing(self, client, bob, app, log):
        give_password(client)

        assert log.new() == []

    def test_by_app_is_passed_and_the_login_says_so(self, client, bob, app, log):
        give_password(client)
        client.post(AUTHENTICATE, {"code": code_of(SECRET)})

        assert log.new() == [
            self.passed(bob, "totp", app),
            signed_in(bob, AUTHENTICATE, mfa="totp"),
        ]

    @pytest.mark.parametrize("code", [WRONG_CODE, WRONG_RECOVERY_CODE])
    def test_by_a_wrong_code_is_one_failure(self, client, bob, app, codes, log, code):
        give_password(client)
        client.post(AUTHENTICATE, {"code": code})

        assert log.new() == [self.refused(bob, kind="totp")]

    def test_by_a_recovery_code_uses_it_up(self, client, bob, app, codes, log):
        give_password(client)
        client.post(AUTHENTICATE, {"code": codes.generate_codes()[0]})

        used = {"actor": None, "factor": codes.instance.pk}
        assert log.new() == [
            of("auth.mfa.recovery_code_used", bob, AUTHENTICATE, **used),
            signed_in(bob, AUTHENTICATE, mfa="recovery_codes"),
        ]

    def test_that_is_rate_limited_is_throttled(self, client, bob, app, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
        give_password(client)
        client.post(AUTHENTICATE, {"code": WRONG_CODE})
        client.post(AUTHENTICATE, {"code": code_of(SECRET)})

        assert log.new() == [self.refused(bob, kind="totp"), self.refused(bob, "throttled")]

    def test_may_be_followed_by_another_page(self, client, bob, app, log, settings):
        settings.MFA_TRUST_ENABLED = True
        give_password(client)
        client.post(AUTHENTICATE, {"code": code_of(SECRET)})
        assert log.new() == [self.passed(bob, "totp", app)]
        client.post(f"{MFA}trust/", {"action": "trust"})

        assert log.new() == [signed_in(bob, f"{MFA}trust/", mfa="totp")]

    def test_may_come_after_a_mailed_code(self, client, bob, app, log, settings):
        settings.ACCOUNT_LOGIN_BY_CODE_REQUIRED = True
        give_password(client)
        client.post("/accounts/login/code/confirm/", {"code": mailed_code()})
        log.forget()
        client.post(AUTHENTICATE, {"code": code_of(SECRET)})

        assert log.new() == [
            self.passed(bob, "totp", app),
            signed_in(bob, AUTHENTICATE, mfa="totp"),
        ]

    def test_by_key_is_passed(self, client, bob, key, log):
        client.cookies.clear()
        give_password(client)
        client.get(AUTHENTICATE)
        client.post(AUTHENTICATE, key.posted(key.signed(challenge(client), bob)))

        factor = Authenticator.objects.get(type="webauthn")
        assert log.new() == [
            self.passed(bob, "webauthn", factor),
            signed_in(bob, AUTHENTICATE, mfa="webauthn"),
        ]

    def test_by_another_key_is_refused(self, client, bob, key, log, settings):
        client.cookies.clear()
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
        give_password(client)
        other = SecurityKey()
        for _ in range(2):
            client.get(AUTHENTICATE)
            client.post(AUTHENTICATE, other.posted(other.signed(challenge(client), bob)))
        client.post(AUTHENTICATE, {"credential": "no json"})

        assert log.new() == [
            self.refused(bob, "invalid_credential", kind="webauthn"),
            self.refused(bob, "throttled", kind="webauthn"),
        ]


class TestReauthentication:
    @pytest.fixture(autouse=True)
    def with_password(self, client, bob, app, codes, log):
        give_password(client)
        client.post(AUTHENTICATE, {"code": code_of(SECRET)})
        cache.clear()
        log.forget()

    def test_by_app_is_recorded_and_is_no_challenge(self, client, bob, log):
        client.post(REAUTHENTICATE, {"code": code_of(SECRET)})

        assert log.new() == [self.done(bob, "totp")]

    def test_by_a_recovery_code_uses_it_up(self, client, bob, codes, log):
        client.post(REAUTHENTICATE, {"code": codes.generate_codes()[0]})

        used = of("auth.mfa.recovery_code_used", bob, REAUTHENTICATE, factor=codes.instance.pk)
        assert log.new() == [self.done(bob, "recovery_codes"), used]

    def test_by_a_wrong_code_is_no_challenge(self, client, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
        client.post(REAUTHENTICATE, {"code": WRONG_CODE})
        client.post(REAUTHENTICATE, {"code": WRONG_CODE})

        assert log.new() == [
            self.refused(bob, REAUTHENTICATE, method="totp", reason="invalid_code"),
            self.refused(bob, REAUTHENTICATE, reason="throttled"),
        ]

    def test_by_key_is_recorded_or_refused(self, client, bob, log):
        at, key, other = f"{KEYS}reauthenticate/", SecurityKey(), SecurityKey()
        add_key(client, key)
        log.forget()
        client.get(at)
        client.post(at, other.posted(other.signed(challenge(client), bob)))
        client.get(at)
        client.post(at, key.posted(key.signed(challenge(client), bob)))

        assert log.new() == [
            self.refused(bob, at, method="webauthn", reason="invalid_credential"),
            self.done(bob, "webauthn", at),
        ]

    def done(self, user, method, at=REAUTHENTICATE):
        return of("auth.reauthentication.success", user, at, method=method)

    def refused(self, user, at, **facts):
        return of("auth.reauthentication.failure", user, at, failure, **facts)


class TestPasskey:
    AT = f"{KEYS}login/"

    def ask(self, client):
        client.cookies.clear()
        client.get(self.AT, headers={"x-requested-with": "XMLHttpRequest"})
        return challenge(client)

    def test_that_is_added_and_removed_is_told_of(self, as_bob, bob, log):
        add_key(as_bob, SecurityKey())
        factor = Authenticator.objects.get(type="webauthn")
        codes = Authenticator.objects.get(type="recovery_codes")
        at = f"{KEYS}keys/{factor.pk}/remove/"
        as_bob.post(at)

        assert log.new() == [
            enrolled(factor, f"{KEYS}add/"),
            generated(codes, f"{KEYS}add/"),
            removed(bob, at, factor.pk, "webauthn", recovery_codes=True),
        ]

    def test_signs_in_by_itself(self, client, bob, key, log):
        client.post(self.AT, key.posted(key.signed(self.ask(client), bob)))

        assert log.new() == [signed_in(bob, self.AT, method="webauthn")]

    def test_that_is_another_is_a_failed_login(self, client, bob, key, log):
        other = SecurityKey()
        client.post(self.AT, other.posted(other.signed(self.ask(client), bob)))

        facts = {"method": "webauthn", "reason": "invalid_credential"}
        assert log.new() == [of("auth.login.failure", None, self.AT, failure, actor=None, **facts)]

    def test_of_an_inactive_account_is_a_failed_login(self, client, bob, key, log):
        get_user_model().objects.update(is_active=False)
        client.post(self.AT, key.posted(key.signed(self.ask(client), bob)))

        facts = {"method": "webauthn", "reason": "inactive"}
        assert log.new() == [of("auth.login.failure", bob, self.AT, failure, actor=None, **facts)]

    def test_may_make_an_account(self, client, log, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = "none"
        sign_up = "/accounts/signup/passkey/"
        client.post(sign_up, {"username": "carol", "email": "carol@example.org"})
        carol, at, key = get_user_model().objects.get(), f"{KEYS}signup/", SecurityKey()
        client.get(at)
        client.post(at, key.posted(key.registered(challenge(client))))

        factor = Authenticator.objects.get()
        assert log.new() == [
            of("account.created", carol, sign_up, actor=None),
            enrolled(factor, at, actor=None),
            signed_in(carol, at, method="signup"),
        ]


def test_a_wrong_password_before_it_is_a_failed_login(client, bob, app, log):
    client.post(LOGIN, {"login": "bob", "password": WRONG})

    facts = {"actor": None, "method": "password", "reason": "invalid_password"}
    assert log.new() == [of("auth.login.failure", bob, LOGIN, failure, **facts)]

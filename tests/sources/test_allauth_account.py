"""Accounts of django-allauth: how one signs in, and what one does about password and address."""

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import transaction

from django_authaudit.cleaning import MASK
from tests.sources.allauthed import (
    BACKEND,
    mailed_code,
    mailed_link,
    through,
)
from tests.sources.recorded import NEW, PASSWORD, WRONG, failure, success

pytest_plugins = ["tests.sources.allauth_fixtures"]

LOGIN, CODE, CONFIRM = "/accounts/login/", "/accounts/login/code/", "/accounts/login/code/confirm/"
SIGNUP, REAUTHENTICATE = "/accounts/signup/", "/accounts/reauthenticate/"
CHANGE, SET, RESET = (f"/accounts/password/{name}/" for name in ("change", "set", "reset"))
EMAIL, VERIFY = "/accounts/email/", "/accounts/confirm-email/"
OTHER, UNKNOWN = "robert@example.org", "nobody@example.org"


def sign_in(client, name="bob", password=PASSWORD, **facts):
    return client.post(LOGIN, {"login": name, "password": password}, **facts)


def signed_in(user, at=LOGIN, **facts):
    facts = {"backend": BACKEND, "via": "allauth", "method": "password", **facts}
    return success("auth.login.success", user=user, actor=user, at=f"POST {at}", **facts)


def refused(user=None, at=LOGIN, **facts):
    facts = {"via": "allauth", "method": "password", **facts}
    return failure("auth.login.failure", user=user, at=f"POST {at}", **facts)


def of(event, user, at, outcome=success, **facts):
    facts = {"actor": user, **facts}
    return outcome(event, user=user, at=f"POST {at}", via="allauth", **facts)


@pytest.fixture
def address(bob, log):
    """A further, verified address of bob's."""
    address = EmailAddress.objects.create(user=bob, email=OTHER, verified=True)
    log.forget()
    return address


@pytest.fixture
def main_address(bob, log):
    facts = {"user": bob, "email": bob.email, "verified": True, "primary": True}
    address = EmailAddress.objects.create(**facts)
    log.forget()
    return address


@pytest.fixture
def by_code(settings):
    """Have addresses verified by a code, which has to come before the first login."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    settings.ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True


@pytest.fixture
def as_bob(client, bob, log):
    sign_in(client)
    log.forget()
    return client


class TestLogin:
    @pytest.mark.parametrize("name", ["bob", "bob@example.org"])
    def test_says_by_what(self, client, bob, log, name):
        sign_in(client, name)

        assert log.new() == [signed_in(bob)]

    @pytest.mark.parametrize("name", ["bob", "bob@example.org"])
    def test_with_a_wrong_password_is_one_failure(self, client, bob, log, name):
        sign_in(client, name, WRONG)

        assert log.new() == [refused(bob, reason="invalid_password")]

    def test_under_asgi_is_told_alike(self, async_client, bob, log):
        sign_in(async_client, password=WRONG)
        sign_in(async_client)

        assert log.new() == [refused(bob, reason="invalid_password"), signed_in(bob)]

    def test_with_an_unknown_name_says_so(self, client, log):
        sign_in(client, "nobody")
        sign_in(client, UNKNOWN)

        assert log.new() == [
            refused(username="nobody", reason="unknown_user"),
            refused(username=UNKNOWN, email=UNKNOWN, reason="unknown_user"),
        ]

    def test_with_a_further_address_names_the_account(self, client, bob, address, log):
        sign_in(client, OTHER, WRONG)

        assert log.new() == [refused(bob, reason="invalid_password", typed=OTHER)]

    def test_with_the_main_address_is_told_as_without_its_row(
        self, client, bob, main_address, log
    ):
        sign_in(client, bob.email, WRONG)

        assert log.new() == [refused(bob, reason="invalid_password")]

    def test_that_a_view_tries_twice_is_two_failures(self, act, bob, log):
        def view(request):
            for _ in range(2):
                get_adapter().authenticate(request, username="bob", password=WRONG)

        act(view)

        assert log.new() == [refused(bob, "/act/test/", reason="invalid_password")] * 2

    def test_with_an_address_of_two_accounts_names_neither(self, client, bob, alice, log):
        for user in (bob, alice):
            EmailAddress.objects.create(user=user, email=OTHER)
        sign_in(client, OTHER, WRONG)

        assert log.new() == [refused(username=OTHER, email=OTHER, reason="unknown_user")]

    def test_with_a_telephone_number_names_the_account(self, client, bob, log, settings):
        settings.ACCOUNT_ADAPTER = through("ByPhone")
        settings.ACCOUNT_LOGIN_METHODS = {"phone"}
        bob.last_name = "+31201234567"
        bob.save()
        sign_in(client, bob.last_name, WRONG)
        sign_in(client, "+31201234568", WRONG)

        assert log.new() == [
            refused(bob, reason="invalid_password", typed=bob.last_name),
            refused(username="+31201234568", reason="unknown_user"),
        ]

    def test_into_an_inactive_account_is_one_failure(self, client, bob, log):
        get_user_model().objects.update(is_active=False)
        assert sign_in(client).headers["Location"] == "/accounts/inactive/"

        assert log.new() == [refused(bob, reason="inactive")]

    def test_with_a_name_that_the_form_refuses_is_malformed(self, client, log, settings):
        settings.ACCOUNT_LOGIN_METHODS = {"email"}
        sign_in(client, "bob@")
        sign_in(client, "")

        assert log.new() == [self.malformed("bob@", field="login")]

    @pytest.mark.parametrize(
        ("name", "password", "typed", "field"),
        [("bo\0b", PASSWORD, MASK, "login"), ("bob", f"{PASSWORD}\0", "bob", "password")],
    )
    def test_with_what_no_database_takes_is_malformed(
        self, client, log, name, password, typed, field
    ):
        sign_in(client, name, password)

        (entry,) = log.new()
        entry["metadata"].pop("username_hash", None)
        assert entry == self.malformed(typed, field=field)

    def malformed(self, name, **facts):
        at = f"POST {LOGIN}"
        facts = {"reason": "malformed", "via": "allauth", **facts}
        return failure("auth.login.failure", username=name, at=at, **facts)

    def test_that_is_rate_limited_is_throttled_however_often_it_is_tried(
        self, client, bob, log, settings
    ):
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "2/m/key"}
        for password in (WRONG, WRONG, WRONG, PASSWORD):
            sign_in(client, password=password)

        wrong, throttled = (refused(bob, reason=r) for r in ("invalid_password", "throttled"))
        assert log.new() == [wrong, wrong, throttled, throttled]

    def test_that_is_answered_by_429_is_rate_limited(self, client, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login": "1/m/ip"}
        sign_in(client, password=WRONG)
        assert sign_in(client, password=WRONG).status_code == 429

        assert log.new() == [
            refused(bob, reason="invalid_password"),
            failure(
                "authz.rate_limited", at=f"POST {LOGIN}", view="allauth.account.views.LoginView"
            ),
        ]

    def test_that_the_adapter_refuses_beforehand_says_so(self, client, bob, log, settings):
        settings.ACCOUNT_ADAPTER = through("Banning")
        sign_in(client)

        assert log.new() == [refused(bob, reason="backend_refused", code="banned")]

    def test_that_the_adapter_refuses_afterwards_is_one_failure(self, client, bob, log, settings):
        settings.ACCOUNT_ADAPTER = through("Raising")
        sign_in(client, password=WRONG)

        assert log.new() == [refused(bob, reason="invalid_password")]

    def test_that_would_send_too_many_codes_is_throttled(self, client, bob, log, by_code):
        EmailAddress.objects.create(user=bob, email=bob.email)
        sign_in(client, bob.email)
        assert log.new() == []
        # Another browser, where no login is under way.
        client.cookies.clear()
        sign_in(client, bob.email)

        assert log.new() == [refused(bob, reason="throttled")]

    def test_without_the_middleware_is_told_by_djangos_signals(self, client, bob, log, settings):
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
        sign_in(client, password=WRONG)
        sign_in(client)
        client.post(REAUTHENTICATE, {"password": WRONG})
        client.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW})

        wrong = failure(
            "auth.login.failure", user=bob, at=f"POST {LOGIN}", reason="invalid_password"
        )
        assert log.new() == [
            wrong,
            success(
                "auth.login.success", user=bob, actor=bob, at=f"POST {LOGIN}", backend=BACKEND
            ),
            {
                **wrong,
                "at": f"POST {REAUTHENTICATE}",
                "actor": bob.pk,
                "actor_username": "bob",
            },
            success("auth.password.changed", user=bob, by="code"),
        ]


class TestLoginByCode:
    def test_is_a_login(self, client, bob, log):
        client.post(CODE, {"email": bob.email})
        assert log.new() == []
        client.post(CONFIRM, {"code": mailed_code()})

        assert log.new() == [signed_in(bob, CONFIRM, method="code")]

    def test_with_a_wrong_code_is_a_failure_each_time(self, client, bob, log):
        client.post(CODE, {"email": bob.email})
        for _ in range(4):
            client.post(CONFIRM, {"code": "WRON-GONE"})

        # After three the login is over.
        assert log.new() == [refused(bob, CONFIRM, method="code", reason="invalid_code")] * 3

    def test_for_an_unknown_address_is_a_failure(self, client, log):
        client.post(CODE, {"email": UNKNOWN})
        assert log.new() == []
        client.post(CONFIRM, {"code": "WRON-GONE"})

        assert log.new() == [
            refused(
                at=CONFIRM, username=UNKNOWN, email=UNKNOWN, method="code", reason="unknown_user"
            )
        ]

    def test_for_an_unknown_address_is_refused_where_this_may_be_said(
        self, client, bob, log, settings
    ):
        settings.ACCOUNT_PREVENT_ENUMERATION = False
        client.post(CODE, {"email": UNKNOWN})
        get_user_model().objects.update(is_active=False)
        client.post(CODE, {"email": bob.email})

        code = {"at": CODE, "method": "code"}
        assert log.new() == [
            refused(username=UNKNOWN, email=UNKNOWN, reason="unknown_user", **code),
            refused(bob, reason="inactive", **code),
        ]

    def test_for_an_unknown_number_is_refused_where_this_may_be_said(self, client, log, settings):
        settings.ACCOUNT_PREVENT_ENUMERATION = False
        settings.ACCOUNT_ADAPTER = through("ByPhone")
        settings.ACCOUNT_LOGIN_METHODS = {"phone"}
        client.post(CODE, {"phone": "+31201234568"})

        assert log.new() == [
            refused(at=CODE, username="+31201234568", method="code", reason="unknown_user")
        ]

    def test_that_is_asked_for_too_often_is_throttled(self, client, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"request_login_code": "1/m/key"}
        for _ in range(2):
            client.post(CODE, {"email": bob.email})
            # Another browser, where no login is under way.
            client.cookies.clear()

        assert log.new() == [refused(bob, CODE, method="code", reason="throttled")]

    def test_into_an_account_switched_off_meanwhile_is_a_failure(self, client, bob, log):
        client.post(CODE, {"email": bob.email})
        get_user_model().objects.update(is_active=False)
        client.post(CONFIRM, {"code": mailed_code()})

        assert log.new() == [refused(bob, CONFIRM, method="code", reason="inactive")]

    def test_verifies_the_address(self, client, bob, log):
        EmailAddress.objects.create(user=bob, email=bob.email)
        client.post(CODE, {"email": bob.email})
        client.post(CONFIRM, {"code": mailed_code()})

        verified = of(
            "account.email_verified", bob, CONFIRM, actor=None, address="bob@example.org"
        )
        assert log.new() == [verified, signed_in(bob, CONFIRM, method="code")]

    def test_after_a_password_is_a_second_factor(self, client, bob, log, settings):
        settings.ACCOUNT_LOGIN_BY_CODE_REQUIRED = True
        sign_in(client)
        assert log.new() == []
        client.post(CONFIRM, {"code": "WRON-GONE"})
        client.post(CONFIRM, {"code": mailed_code()})

        challenge = {"actor": None, "kind": "code"}
        assert log.new() == [
            of(
                "auth.mfa.challenge.failure",
                bob,
                CONFIRM,
                failure,
                reason="invalid_code",
                **challenge,
            ),
            of("auth.mfa.challenge.success", bob, CONFIRM, **challenge),
            signed_in(bob, CONFIRM, mfa="code"),
        ]


class TestSignup:
    FORM = {"username": "carol", "email": OTHER, "password1": NEW, "password2": NEW}

    def test_is_a_new_account_and_a_login(self, client, log):
        client.post(SIGNUP, self.FORM)

        carol = get_user_model().objects.get()
        assert log.new() == [
            of("account.created", carol, SIGNUP, actor=None),
            signed_in(carol, SIGNUP, method="signup"),
        ]

    def test_without_the_middleware_is_told_by_djangos_signals(self, client, log, settings):
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
        client.post(SIGNUP, self.FORM)

        carol = get_user_model().objects.get()
        at = f"POST {SIGNUP}"
        assert log.new() == [
            success("account.created", user=carol),
            success("auth.login.success", user=carol, actor=carol, at=at, backend=BACKEND),
        ]

    def test_with_a_link_to_follow_is_a_login_when_it_is_followed(self, client, log, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        settings.ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
        client.post(SIGNUP, self.FORM)
        carol = get_user_model().objects.get()
        assert log.new() == [of("account.created", carol, SIGNUP, actor=None)]
        client.post(mailed_link())

        at = f"{VERIFY}{MASK}/"
        assert log.new() == [
            of("account.email_verified", carol, at, actor=None, address=OTHER),
            signed_in(carol, at, method="email_verification"),
        ]

    def test_with_an_address_that_an_invitation_has_verified_is_one_entry(self, client, log):
        session = client.session
        session["account_verified_email"] = OTHER
        session.save()
        client.cookies["sessionid"] = session.session_key
        client.post(SIGNUP, self.FORM)

        assert EmailAddress.objects.get().verified
        assert [entry["event"] for entry in log.new()] == ["account.created", "auth.login.success"]

    def test_says_nothing_of_how_another_has_begun_to_sign_in(self, client, bob, log, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        sign_in(client)
        settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
        client.post(SIGNUP, self.FORM)

        carol = get_user_model().objects.get(username="carol")
        assert log.new()[1:] == [signed_in(carol, SIGNUP, method="signup")]

    def test_by_a_login_of_the_projects_own_names_no_method(self, client, bob, log, act):
        from allauth.account.utils import perform_login

        act(lambda request: perform_login(request, bob))

        (entry,) = log.new()
        assert entry["metadata"] == {
            "backend": BACKEND,
            "via": "allauth",
        }


class TestReauthentication:
    def test_is_recorded(self, as_bob, bob, log):
        as_bob.post(REAUTHENTICATE, {"password": PASSWORD})

        assert log.new() == [
            of("auth.reauthentication.success", bob, REAUTHENTICATE, method="password")
        ]

    def test_with_a_wrong_password_is_no_failed_login(self, as_bob, bob, log):
        as_bob.post(REAUTHENTICATE, {"password": WRONG})

        assert log.new() == [self.refused(bob, "invalid_password")]

    def test_that_is_rate_limited_is_throttled(self, as_bob, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"login_failed": "1/m/key"}
        for _ in range(2):
            as_bob.post(REAUTHENTICATE, {"password": WRONG})

        assert log.new() == [self.refused(bob, "invalid_password"), self.refused(bob, "throttled")]

    def test_by_the_password_of_another_is_refused(self, as_bob, bob, alice, log, settings):
        settings.ACCOUNT_ADAPTER = through("OfAnother")
        as_bob.post(REAUTHENTICATE, {"password": PASSWORD})

        assert log.new() == [self.refused(bob, "invalid_password")]

    def test_is_told_from_what_was_put_off_for_it(self, as_bob, bob, log, settings):
        settings.ACCOUNT_REAUTHENTICATION_REQUIRED = True
        put_off = {"action_add": "", "email": OTHER}
        answer = as_bob.post(EMAIL, put_off, REMOTE_ADDR="192.0.2.1")
        assert log.new() == []
        as_bob.post(answer.headers["Location"], {"password": PASSWORD}, REMOTE_ADDR="192.0.2.2")

        # What was put off is told with what allauth remembers of it.
        assert log.new() == [
            of(
                "auth.reauthentication.success",
                bob,
                REAUTHENTICATE,
                ip="192.0.2.2",
                method="password",
            ),
            of("account.email_changed", bob, EMAIL, ip="192.0.2.1", added=OTHER),
        ]

    def test_and_what_was_put_off_for_it_are_of_one_request(self, as_bob, log, settings, rows):
        settings.ACCOUNT_REAUTHENTICATION_REQUIRED = True
        answer = as_bob.post(EMAIL, {"action_add": "", "email": OTHER})
        as_bob.post(answer.headers["Location"], {"password": PASSWORD})

        assert len({row.request_id for row in log.rows()}) == 1

    def refused(self, user, reason):
        return of(
            "auth.reauthentication.failure",
            user,
            REAUTHENTICATE,
            failure,
            method="password",
            reason=reason,
        )


class TestPassword:
    FORM = {"password1": NEW, "password2": NEW}

    def test_that_is_changed_is_one_entry(self, as_bob, bob, log):
        as_bob.post(CHANGE, {"oldpassword": PASSWORD, **self.FORM})

        assert log.new() == [of("auth.password.changed", bob, CHANGE, by="self")]

    def test_that_is_changed_may_end_the_session(self, as_bob, bob, log, settings):
        settings.ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
        as_bob.post(CHANGE, {"oldpassword": PASSWORD, **self.FORM})

        assert log.new() == [
            of("auth.password.changed", bob, CHANGE, by="self"),
            success("auth.logout", user=bob, actor=bob, at=f"POST {CHANGE}"),
        ]

    def test_that_is_stored_past_the_model_is_told_by_the_signal(self, as_bob, bob, log, settings):
        settings.ACCOUNT_ADAPTER = through("Updating")
        as_bob.post(CHANGE, {"oldpassword": PASSWORD, **self.FORM})

        assert log.new() == [of("auth.password.changed", bob, CHANGE, by="self")]

    def test_that_is_not_the_old_one_changes_nothing(self, as_bob, bob, log):
        as_bob.post(CHANGE, {"oldpassword": WRONG, **self.FORM})

        assert log.new() == [
            of("auth.password.change_failure", bob, CHANGE, failure, reason="invalid_password")
        ]

    def test_that_is_set_is_the_first(self, as_bob, bob, log, secrets):
        bob.set_unusable_password()
        bob.save()
        as_bob.force_login(bob)
        log.forget()
        as_bob.post(SET, self.FORM)

        assert log.new() == [of("auth.password.changed", bob, SET, by="self", first=True)]


class TestReset:
    FORM = {"password1": NEW, "password2": NEW}

    def requested(self, user=None, outcome=success, **facts):
        facts = {"actor": None, "method": "link", **facts}
        return of("auth.password_reset.requested", user, RESET, outcome, **facts)

    def refused(self, at, user=None, **facts):
        return of("auth.password_reset.failure", user, at, failure, actor=None, **facts)

    def test_is_requested_for_known_and_unknown_addresses_alike(self, client, bob, log):
        client.post(RESET, {"email": bob.email})
        client.post(RESET, {"email": UNKNOWN})

        assert log.new() == [self.requested(bob), self.requested(email=UNKNOWN)]

    def test_is_requested_for_an_address_of_two_accounts_and_names_neither(
        self, client, bob, alice, log
    ):
        get_user_model().objects.update(email=bob.email)
        client.post(RESET, {"email": bob.email})

        assert log.new() == [self.requested(email=bob.email)]

    def test_is_refused_for_an_unknown_address_where_this_may_be_said(self, client, log, settings):
        settings.ACCOUNT_PREVENT_ENUMERATION = False
        client.post(RESET, {"email": UNKNOWN})

        assert log.new() == [self.requested(None, failure, email=UNKNOWN, reason="unknown_user")]

    def test_of_a_malformed_address_is_nothing(self, client, log):
        client.post(RESET, {"email": "bob@"})

        assert log.new() == []

    def test_that_cannot_be_mailed_is_a_failure(self, client, bob, log, settings):
        settings.ACCOUNT_ADAPTER = through("Offline")
        assert client.post(RESET, {"email": bob.email}).status_code == 500

        assert log.new() == [self.requested(bob, failure)]

    def test_that_is_asked_for_too_often_is_rate_limited(self, client, bob, log, settings):
        settings.ACCOUNT_RATE_LIMITS = {"reset_password": "1/m/key"}
        for _ in range(2):
            client.post(RESET, {"email": bob.email})

        view = "allauth.account.views.PasswordResetView"
        assert log.new() == [
            self.requested(bob),
            failure("authz.rate_limited", at=f"POST {RESET}", view=view),
        ]

    def test_is_completed_by_one_entry(self, client, bob, log):
        client.post(RESET, {"email": bob.email})
        form = client.get(mailed_link()).headers["Location"]
        log.forget()
        client.post(form, self.FORM)

        assert log.new() == [
            of("auth.password_reset.completed", bob, form, actor=None, method="link")
        ]

    def test_may_be_a_login(self, client, bob, log, settings):
        settings.ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
        client.post(RESET, {"email": bob.email})
        form = client.get(mailed_link()).headers["Location"]
        log.forget()
        client.post(form, self.FORM)

        assert log.new() == [
            of("auth.password_reset.completed", bob, form, actor=None, method="link"),
            signed_in(bob, form, method="password_reset"),
        ]

    def test_that_is_stored_past_the_model_is_told_by_the_signal(self, client, bob, log, settings):
        settings.ACCOUNT_ADAPTER = through("Updating")
        client.post(RESET, {"email": bob.email})
        form = client.get(mailed_link()).headers["Location"]
        log.forget()
        client.post(form, self.FORM)

        assert log.new() == [
            of("auth.password_reset.completed", bob, form, actor=None, method="link")
        ]

    def test_by_a_link_that_was_used_is_refused(self, client, bob, log):
        uid = user_pk_to_url_str(bob)
        client.post(RESET, {"email": bob.email})
        client.post(client.get(mailed_link()).headers["Location"], self.FORM)
        log.forget()
        client.get(mailed_link())
        client.get(f"{RESET}key/{uid}-nonsense/")

        invalid = self.refused("", bob, reason="invalid_link")
        assert log.new() == [
            {**invalid, "at": f"GET {RESET}key/{uid}-{MASK}/"},
            {**invalid, "at": f"GET {RESET}key/{uid}-nonsense/"},
        ]

    def test_by_a_link_for_nobody_is_refused_whatever_asks(self, client, log):
        link = f"{RESET}key/zz-nonsense/"
        client.post(link, headers={"x-requested-with": "XMLHttpRequest"})

        assert log.new() == [self.refused(link, reason="invalid_link")]

    def test_by_a_code_is_told_alike(self, client, bob, log, settings):
        settings.ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
        client.post(RESET, {"email": bob.email})
        client.post(f"{RESET}confirm/", {"code": "WRON-GONE"})
        client.post(f"{RESET}confirm/", {"code": mailed_code()})
        client.post(f"{RESET}complete/", self.FORM)

        assert log.new() == [
            self.requested(bob, method="code"),
            self.refused(f"{RESET}confirm/", bob, reason="invalid_code"),
            of(
                "auth.password_reset.completed",
                bob,
                f"{RESET}complete/",
                actor=None,
                method="code",
            ),
        ]

    def test_by_a_code_for_an_unknown_address_is_told_alike(self, client, log, settings):
        settings.ACCOUNT_PASSWORD_RESET_BY_CODE_ENABLED = True
        client.post(RESET, {"email": UNKNOWN})
        client.post(f"{RESET}confirm/", {"code": "WRON-GONE"})

        assert log.new() == [
            self.requested(email=UNKNOWN, method="code"),
            self.refused(f"{RESET}confirm/", email=UNKNOWN, reason="invalid_code"),
        ]


class TestAddress:
    def act(self, client, action, email):
        return client.post(EMAIL, {f"action_{action}": "", "email": email})

    def changed(self, user, at=EMAIL, **facts):
        return of("account.email_changed", user, at, **facts)

    def verified(self, user, at, **facts):
        facts = {"address": OTHER, **facts}
        return of("account.email_verified", user, at, **facts)

    def test_that_is_added_and_verified_is_told_of_twice(self, as_bob, bob, main_address, log):
        self.act(as_bob, "add", OTHER)
        assert log.new() == [self.changed(bob, added=OTHER)]
        as_bob.post(mailed_link())

        assert log.new() == [self.verified(bob, f"{VERIFY}{MASK}/")]

    def test_that_becomes_the_main_one_is_one_entry(self, as_bob, bob, address, log):
        self.act(as_bob, "primary", OTHER)

        assert log.new() == [self.changed(bob, email=OTHER, old="bob@example.org", new=OTHER)]

    def test_that_becomes_the_main_one_may_be_that_of_the_account_already(
        self, as_bob, bob, address, main_address, log
    ):
        get_user_model().objects.update(email=OTHER)
        self.act(as_bob, "primary", OTHER)

        assert log.new() == [self.changed(bob, email=OTHER, old="bob@example.org", new=OTHER)]

    def test_that_is_the_main_one_already_is_nothing(self, as_bob, bob, main_address, log):
        self.act(as_bob, "primary", bob.email)

        assert log.new() == []

    def test_that_is_removed_is_one_entry(self, as_bob, bob, address, main_address, log):
        self.act(as_bob, "remove", OTHER)

        assert log.new() == [self.changed(bob, removed=OTHER)]

    def test_that_is_removed_and_was_the_accounts_is_one_entry(
        self, as_bob, bob, main_address, log
    ):
        self.act(as_bob, "remove", bob.email)

        old = "bob@example.org"
        assert log.new() == [self.changed(bob, email="", old=old, new="", removed=old)]

    def test_that_takes_the_place_of_the_old_one_is_told_of_when_it_is_verified(
        self, as_bob, bob, main_address, log, settings
    ):
        settings.ACCOUNT_CHANGE_EMAIL = True
        self.act(as_bob, "add", OTHER)
        assert log.new() == [self.changed(bob, added=OTHER)]
        as_bob.post(mailed_link())

        at = f"{VERIFY}{MASK}/"
        assert log.new() == [
            self.verified(bob, at),
            self.changed(bob, at, email=OTHER, old="bob@example.org", new=OTHER),
        ]

    def test_that_is_the_first_takes_no_others_place(self, client, bob, log, settings):
        settings.ACCOUNT_CHANGE_EMAIL = True
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
        sign_in(client)
        client.post(mailed_link())

        at = f"{VERIFY}{MASK}/"
        assert log.new() == [self.verified(bob, at, actor=None, address=bob.email)]

    def test_that_is_verified_by_a_code_is_added_by_it(
        self, as_bob, bob, main_address, log, by_code
    ):
        self.act(as_bob, "add", OTHER)
        assert log.new() == []
        as_bob.post(VERIFY, {"code": "WRON-GONE"})
        as_bob.post(VERIFY, {"code": mailed_code()})

        wrong = {"address": OTHER, "reason": "invalid_code"}
        assert log.new() == [
            of("account.email_verified", bob, VERIFY, failure, **wrong),
            self.verified(bob, VERIFY, added=OTHER),
        ]

    def test_that_belongs_to_another_is_nothing(self, client, bob, main_address, log, by_code):
        """Signing up with it sends a code to nobody."""
        form = {"username": "carol", "email": bob.email, "password1": NEW, "password2": NEW}
        client.post(SIGNUP, form)
        client.post(VERIFY, {"code": "WRON-GONE"})

        assert log.new() == []

    @pytest.mark.parametrize("by", ["action", "form"])
    def test_that_is_verified_in_the_admin_is_told_of(self, as_root, root, bob, log, by):
        row = EmailAddress.objects.create(user=bob, email=OTHER)
        if by == "action":
            at = "/admin/account/emailaddress/"
            as_root.post(at, {"action": "make_verified", "_selected_action": [row.pk]})
        else:
            at = f"/admin/account/emailaddress/{row.pk}/change/"
            as_root.post(at, {"user": bob.pk, "email": OTHER, "verified": "on"})

        assert log.new() == [self.verified(bob, at, actor=root)]

    def test_that_is_added_in_the_admin_as_verified_is_told_of(self, as_root, root, bob, log):
        at = "/admin/account/emailaddress/add/"
        as_root.post(at, {"user": bob.pk, "email": OTHER, "verified": "on"})

        assert log.new() == [self.verified(bob, at, actor=root, added=OTHER)]

    def test_that_was_verified_before_is_nothing(self, address, log):
        address.primary = True
        address.save()
        address.save(update_fields=["primary"])

        assert log.new() == []

    def test_that_is_not_stored_as_verified_is_nothing(self, bob, log):
        row = EmailAddress.objects.create(user=bob, email=OTHER)
        row.verified = True
        row.save(update_fields=["primary"])

        assert log.new() == []

    def test_that_a_fixture_holds_is_nothing(self, address, log):
        stored = serializers.serialize("json", [address])
        address.delete()
        log.forget()
        for loaded in serializers.deserialize("json", stored):
            loaded.save()

        assert log.new() == []

    def test_whose_verification_is_rolled_back_says_so(self, act, bob, log):
        row = EmailAddress.objects.create(user=bob, email=OTHER)

        def view(request):
            with transaction.atomic():
                row.set_verified()
                transaction.set_rollback(True)

        act(view)

        at = "/act/test/"
        assert log.new() == [
            of(
                "account.email_verified",
                bob,
                at,
                failure,
                actor=None,
                address=OTHER,
                rolled_back=True,
            )
        ]


def test_logging_out_is_one_entry(as_bob, bob, log):
    as_bob.post("/accounts/logout/")

    assert log.new() == [success("auth.logout", user=bob, actor=bob, at="POST /accounts/logout/")]


def test_following_the_link_of_another_ends_the_session(as_bob, bob, alice, log):
    as_bob.post(RESET, {"email": alice.email})
    form = as_bob.get(mailed_link()).headers["Location"]
    log.forget()
    as_bob.get(form)

    assert log.new() == [success("auth.logout", user=bob, actor=bob, at=f"GET {form}")]

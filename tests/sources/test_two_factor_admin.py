"""django-two-factor-auth and django-otp before the admin, and django-hijack behind them."""

import pytest
from django.db import connection

from tests.sources.impersonating import LOGOUT, beginning, end, logout
from tests.sources.one_time import WRONG_CODE, add_totp, code_of, facts_of
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

LOGIN, BY_OTP = "/account/login/", "/otp-admin/login/"
DISABLE = "/account/two_factor/disable/"
ACQUIRE, RELEASE = "POST /hijack/acquire/", "POST /hijack/release/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def device(root, secrets, log):
    device = add_totp(root, secrets)
    log.forget()
    return device


def step(browser, name, **typed):
    data = {f"{name}-{field}": value for field, value in typed.items()}
    return browser.post(LOGIN, {"login_view-current_step": name, **data})


def type_password(browser, password=PASSWORD, user="root"):
    return step(browser, "auth", username=user, password=password)


def type_code(browser, code):
    return step(browser, "token", otp_token=code)


def by_otp(browser, device, code, password=PASSWORD):
    typed = {"username": "root", "password": password, "otp_token": code}
    return browser.post(BY_OTP, {**typed, "otp_device": device.persistent_id})


def login(user, at):
    return success("auth.login.success", user=user, actor=user, at=at, backend=MODEL_BACKEND)


def passed(user, device, at, via):
    facts = facts_of(device, via=via)
    return success("auth.mfa.challenge.success", user=user, actor=user, at=at, **facts)


@pytest.fixture
def verified(client, root, device, secrets, log):
    type_password(client)
    type_code(client, code_of(device, secrets))
    log.forget()
    return client


class TestTheAdminOfTwoFactor:
    def test_sends_who_is_anonymous_to_sign_in_and_that_is_nothing(self, client, log):
        assert client.get("/guarded-admin/").status_code == 302

        assert log.new() == []

    def test_lets_in_who_has_shown_a_code_and_that_is_one_challenge_and_one_login(
        self, client, root, device, secrets, log
    ):
        client.get("/guarded-admin/")
        type_password(client)
        type_code(client, code_of(device, secrets))
        assert client.get("/guarded-admin/").status_code == 200

        at = f"POST {LOGIN}"
        assert log.new() == [passed(root, device, at, "two_factor"), login(root, at)]

    def test_refuses_who_has_shown_none_and_that_is_one_refusal(self, as_root, root, device, log):
        answer = as_root.get("/guarded-admin/")
        assert answer.status_code == 302

        rows = [(row["event"], row["user"]) for row in log.new()]
        assert rows == [("authz.forbidden", root.pk)]


class TestTheAdminOfOtp:
    def test_takes_password_and_code_for_one_challenge_and_one_login(
        self, client, root, device, secrets, log
    ):
        assert by_otp(client, device, code_of(device, secrets)).status_code == 302
        assert client.get("/otp-admin/").status_code == 200

        at = f"POST {BY_OTP}"
        assert log.new() == [passed(root, device, at, "otp"), login(root, at)]

    def test_takes_a_wrong_code_for_one_failure(self, client, root, device, log):
        by_otp(client, device, WRONG_CODE)

        facts = {**facts_of(device), "reason": "mfa"}
        assert log.new() == [
            failure("auth.login.failure", user=root, at=f"POST {BY_OTP}", **facts)
        ]

    def test_takes_a_wrong_password_for_one_failure(self, client, root, device, log, secrets):
        by_otp(client, device, code_of(device, secrets), WRONG)

        facts = {"reason": "invalid_password"}
        assert log.new() == [
            failure("auth.login.failure", user=root, at=f"POST {BY_OTP}", **facts)
        ]

    def test_signed_in_without_a_code_is_let_in_by_it(self, as_root, root, device, secrets, log):
        assert as_root.get("/otp-admin/").status_code == 302
        log.forget()
        by_otp(as_root, device, code_of(device, secrets))

        at = f"POST {BY_OTP}"
        assert log.new() == [passed(root, device, at, "otp"), login(root, at)]


class TestHijacking:
    def acquire(self, browser, user):
        return browser.post("/hijack/acquire/", {"user_pk": user.pk})

    def test_by_who_has_not_shown_the_code_yet_does_not_begin(self, client, device, bob, log):
        """Between the password and the code nobody is signed in."""
        type_password(client)
        answer = self.acquire(client, bob)

        assert answer.status_code == 302
        assert "/login/" in answer["Location"]
        assert log.new() == []

    def test_by_who_has_is_one_entry_each_way_and_no_challenge(self, verified, root, bob, log):
        self.acquire(verified, bob)
        verified.post("/hijack/release/")

        assert log.new() == [
            beginning(bob, root, ACQUIRE, "hijack"),
            end(bob, root, RELEASE, "hijack"),
        ]

    def test_of_an_account_with_a_factor_of_its_own_is_no_challenge(
        self, verified, root, bob, secrets, log
    ):
        add_totp(bob, secrets)
        log.forget()
        self.acquire(verified, bob)
        assert log.new() == [beginning(bob, root, ACQUIRE, "hijack")]

        # Nobody has shown a code of that account's.
        assert verified.get("/account/two_factor/backup/tokens/").status_code == 302
        rows = [(row["event"], row["user"], row["actor"]) for row in log.new()]
        assert rows == [("authz.forbidden", bob.pk, root.pk)]

    def test_a_code_typed_meanwhile_is_the_real_persons(self, verified, root, bob, secrets, log):
        factor = add_totp(bob, secrets)
        self.acquire(verified, bob)
        log.forget()
        typed = {"username": "bob", "password": PASSWORD}
        step(verified, "auth", **typed)
        type_code(verified, WRONG_CODE)

        facts = {**facts_of(factor, via="two_factor"), "reason": "invalid_code"}
        event = "auth.mfa.challenge.failure"
        assert log.new() == [failure(event, user=bob, actor=root, at=f"POST {LOGIN}", **facts)]

    def test_a_factor_removed_meanwhile_is_the_real_persons(
        self, verified, root, bob, secrets, log
    ):
        factor = add_totp(bob, secrets)
        self.acquire(verified, bob)
        log.forget()
        type_password(verified, user="bob")
        type_code(verified, code_of(factor, secrets))
        facts = facts_of(factor)
        log.forget()
        assert verified.post(DISABLE, {"understand": "on"}).status_code == 302

        event = "auth.mfa.removed"
        assert log.new() == [success(event, user=bob, actor=root, at=f"POST {DISABLE}", **facts)]

    def test_a_logout_ends_it(self, verified, root, bob, log):
        self.acquire(verified, bob)
        log.forget()
        verified.post("/logout/")

        assert log.new() == [end(bob, root, LOGOUT, "hijack"), logout(root)]

    def test_a_login_to_the_same_account_meanwhile_is_the_real_persons(
        self, verified, root, bob, secrets, log
    ):
        factor = add_totp(bob, secrets)
        self.acquire(verified, bob)
        log.forget()
        type_password(verified, user="bob")
        type_code(verified, code_of(factor, secrets))

        rows = [(row["event"], row["user"], row["actor"]) for row in log.new()]
        assert rows == [
            ("auth.mfa.challenge.success", bob.pk, root.pk),
            ("auth.login.success", bob.pk, root.pk),
        ]

"""Second factors by django-two-factor-auth: one entry for what two packages tell of."""

import re

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django_otp.oath import totp
from django_otp.plugins.otp_email.models import EmailDevice
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from two_factor.plugins.phonenumber.models import PhoneDevice
from two_factor.plugins.webauthn.models import WebauthnDevice
from two_factor.views.core import REMEMBER_COOKIE_PREFIX

from django_authaudit.sources.two_factor import Source
from tests.sources.conftest import Browser
from tests.sources.gateways import Gateway
from tests.sources.one_time import (
    WRONG_CODE,
    add_codes,
    add_totp,
    code_facts,
    code_of,
    facts_of,
)
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

LOGIN, SETUP = "/account/login/", "/account/two_factor/setup/"
CODES, DISABLE = "/account/two_factor/backup/tokens/", "/account/two_factor/disable/"
PHONE = "/account/two_factor/phone/register/"
CODE, OTHER = "abcd2345", "efgh6723"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture(autouse=True)
def gateway():
    Gateway.sent.clear()


@pytest.fixture
def device(bob, secrets, log):
    device = add_totp(bob, secrets)
    log.forget()
    return device


@pytest.fixture
def codes(bob, secrets, log):
    device = add_codes(bob, secrets, CODE, OTHER)
    log.forget()
    return device


def step(browser, url, view, name, **facts):
    data = {f"{name}-{field}": value for field, value in facts.items()}
    return browser.post(url, {f"{view}-current_step": name, **data})


def type_password(browser, password=PASSWORD):
    facts = {"username": "bob", "password": password}
    return step(browser, LOGIN, "login_view", "auth", **facts)


def type_code(browser, code, name="token", **facts):
    return step(browser, LOGIN, "login_view", name, otp_token=code, **facts)


def set_up(browser, name, **facts):
    return step(browser, SETUP, "setup_view", name, **facts)


def key_of(browser, secrets, name):
    key = browser.session["wizard_setup_view"]["extra_data"]["keys"][name]
    secrets.learn(key)
    return bytes.fromhex(key)


def code_for(key, secrets):
    code = f"{totp(key):06}"
    secrets.add(code)
    return code


@pytest.fixture
def verified(as_bob, bob, device, secrets, log):
    """A browser in which bob has shown his code."""
    type_password(as_bob)
    assert type_code(as_bob, code_of(device, secrets)).status_code == 302
    log.forget()
    return as_bob


def at(path):
    return f"POST {path}"


def passed(user, device, kind="totp", path=LOGIN):
    facts = facts_of(device, kind, "two_factor")
    return success("auth.mfa.challenge.success", user=user, actor=user, at=at(path), **facts)


def refused(user, device, reason="invalid_code", kind="totp", **facts):
    facts = {**facts_of(device, kind, "two_factor"), "reason": reason, **facts}
    return failure("auth.mfa.challenge.failure", user=user, at=at(LOGIN), **facts)


def login(user, **facts):
    facts = {"backend": MODEL_BACKEND, **facts}
    return success("auth.login.success", user=user, actor=user, at=at(LOGIN), **facts)


def changed(event, user, path, facts, **more):
    return success(f"auth.mfa.{event}", user=user, actor=user, at=at(path), **facts, **more)


class TestLogin:
    def test_by_password_alone_is_a_login(self, client, bob, log):
        assert type_password(client).status_code == 302

        assert log.new() == [login(bob)]

    def test_is_nothing_until_the_code_comes(self, client, device, log):
        assert type_password(client).status_code == 200

        assert log.new() == []

    def test_with_a_wrong_password_is_that(self, client, bob, device, log):
        type_password(client, WRONG)

        assert log.new() == [
            failure("auth.login.failure", user=bob, at=at(LOGIN), reason="invalid_password")
        ]

    def test_with_the_right_code_is_a_challenge_passed_and_a_login(
        self, client, bob, device, secrets, log
    ):
        type_password(client)
        assert type_code(client, code_of(device, secrets)).status_code == 302

        assert log.new() == [passed(bob, device), login(bob)]

    def test_with_a_wrong_code_is_a_challenge_failed(self, client, bob, device, log):
        type_password(client)
        assert type_code(client, WRONG_CODE).status_code == 200

        assert log.new() == [refused(bob, device)]

    def test_with_a_code_too_soon_after_a_wrong_one_is_a_challenge_failed(
        self, client, bob, device, log, settings, secrets
    ):
        settings.OTP_TOTP_THROTTLE_FACTOR = 1000
        type_password(client)
        type_code(client, WRONG_CODE)
        type_code(client, code_of(device, secrets))

        assert log.new() == [refused(bob, device), refused(bob, device, "throttled")]

    @pytest.mark.parametrize("code", ["", "12345", "letter"])
    def test_with_what_is_no_code_is_nothing(self, client, device, log, code):
        type_password(client)
        type_code(client, code)

        assert log.new() == []

    def test_with_a_recovery_code_uses_it_up(self, client, bob, device, codes, log):
        type_password(client)
        assert type_code(client, CODE, "backup").status_code == 302

        facts = code_facts(codes, "two_factor")
        assert log.new() == [changed("recovery_code_used", bob, LOGIN, facts), login(bob)]

    def test_with_a_wrong_recovery_code_is_a_challenge_failed(
        self, client, bob, device, codes, log
    ):
        type_password(client)
        type_code(client, "nonesuch", "backup")

        assert log.new() == [refused(bob, codes, kind="recovery_codes")]

    def test_with_a_code_by_telephone_is_the_same(self, client, bob, secrets, log):
        device = PhoneDevice.objects.create(
            user=bob, name="default", number="+12025550100", method="sms", key="ab" * 20
        )
        secrets.learn(device.key, "+12025550100")
        log.forget()
        type_password(client)
        type_code(client, WRONG_CODE)
        secrets.add(Gateway.sent[0])
        type_code(client, Gateway.sent[0])

        assert log.new() == [
            refused(bob, device, kind="phone"),
            passed(bob, device, "phone"),
            login(bob),
        ]

    def test_with_a_code_by_mail_is_the_same(self, client, bob, secrets, log):
        device = EmailDevice.objects.create(user=bob, name="default")
        log.forget()
        type_password(client)
        code = re.search(r"\d{6}", mail.outbox[0].body)[0]
        secrets.add(code)
        type_code(client, code)

        assert log.new() == [passed(bob, device, "email"), login(bob)]

    def test_with_a_security_key_that_is_refused_is_a_challenge_failed(self, client, bob, log):
        device = WebauthnDevice.objects.create(
            user=bob, name="default", public_key="none", key_handle="none", sign_count=0
        )
        log.forget()
        type_password(client)
        type_code(client, "no answer of any key")

        assert log.new() == [refused(bob, device, kind="webauthn")]


class TestRememberedBrowser:
    @pytest.fixture
    def remembered(self, client, device, secrets, log):
        type_password(client)
        type_code(client, code_of(device, secrets), remember="on")
        secrets.learn(*(client.cookies[name].value for name in client.cookies))
        client.post("/logout/")
        log.forget()
        return client

    def test_is_no_challenge(self, remembered, bob, log):
        assert type_password(remembered).status_code == 302

        assert log.new() == [login(bob, mfa="remembered")]

    def test_that_is_not_any_more_is_nothing_until_the_code_comes(
        self, remembered, bob, device, secrets, log
    ):
        bob.set_password(PASSWORD)
        bob.save()
        log.forget()
        type_password(remembered)
        assert log.new() == []

        TOTPDevice.objects.update(last_t=-1)
        type_code(remembered, code_of(device, secrets))
        assert log.new() == [passed(bob, device), login(bob)]

    def test_is_nothing_more_where_the_login_is_written_at_once(
        self, remembered, bob, log, settings
    ):
        settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if "authaudit" not in line]
        browser = Browser(remembered.secrets)
        for name, cookie in remembered.cookies.items():
            if name.startswith(REMEMBER_COOKIE_PREFIX):
                browser.cookies[name] = cookie.value
        assert type_password(browser).status_code == 302

        assert [row["event"] for row in log.new()] == ["auth.login.success"]


class TestDevice:
    def test_that_shows_codes_is_enrolled(self, as_bob, bob, secrets, log):
        set_up(as_bob, "welcome")
        set_up(as_bob, "method", method="generator")
        code = code_for(key_of(as_bob, secrets, "generator"), secrets)
        set_up(as_bob, "generator", token=WRONG_CODE)
        assert log.new() == []

        assert set_up(as_bob, "generator", token=code).status_code == 302
        facts = facts_of(TOTPDevice.objects.get())
        assert log.new() == [changed("enrolled", bob, SETUP, facts)]

    def test_that_takes_calls_is_enrolled(self, as_bob, bob, secrets, log):
        secrets.learn("+12025550100")
        set_up(as_bob, "welcome")
        set_up(as_bob, "method", method="sms")
        set_up(as_bob, "sms", number="+12025550100")
        set_up(as_bob, "validation", token=WRONG_CODE)
        secrets.add(Gateway.sent[0])
        assert log.new() == []

        assert set_up(as_bob, "validation", token=Gateway.sent[0]).status_code == 302
        device = PhoneDevice.objects.get()
        secrets.learn(device.key)
        facts = facts_of(device, "phone", "two_factor")
        assert log.new() == [changed("enrolled", bob, SETUP, facts)]

    def test_that_takes_mail_is_enrolled_when_its_code_comes_back(self, as_bob, bob, secrets, log):
        set_up(as_bob, "welcome")
        set_up(as_bob, "method", method="email")
        code = re.search(r"\d{6}", mail.outbox[0].body)[0]
        secrets.add(code)
        set_up(as_bob, "validation", token=WRONG_CODE)
        assert log.new() == []

        assert set_up(as_bob, "validation", token=code).status_code == 302
        facts = facts_of(EmailDevice.objects.get(), "email")
        assert log.new() == [changed("enrolled", bob, SETUP, facts)]

    def test_added_for_an_emergency_is_enrolled_and_removed(self, verified, bob, secrets, log):
        secrets.learn("+12025550100")
        facts = {"number": "+12025550100", "method": "sms"}
        step(verified, PHONE, "phone_setup_view", "setup", **facts)
        secrets.add(Gateway.sent[0])
        token = {"token": Gateway.sent[0]}
        step(verified, PHONE, "phone_setup_view", "validation", **token)
        device = PhoneDevice.objects.get()
        secrets.learn(device.key)
        facts = facts_of(device, "phone", "two_factor")
        path = f"/account/two_factor/phone/unregister/{device.pk}/"
        verified.post(path)

        assert log.new() == [
            changed("enrolled", bob, PHONE, facts),
            changed("removed", bob, path, facts),
        ]

    def test_and_recovery_codes_switched_off_are_an_entry_each(
        self, verified, bob, device, codes, log
    ):
        assert verified.post(DISABLE, {"understand": "on"}).status_code == 302

        assert log.new() == [
            changed("removed", bob, DISABLE, facts_of(codes, "recovery_codes"), codes=2),
            changed("removed", bob, DISABLE, facts_of(device)),
        ]

    def test_switched_off_by_a_command_names_it(self, bob, device, log):
        call_command("two_factor_disable", "bob")

        facts = {**facts_of(device), "command": "two_factor_disable"}
        assert log.new() == [success("auth.mfa.removed", user=bob, **facts)]


class TestRecoveryCodes:
    def test_are_nothing_as_long_as_they_are_only_offered(self, verified, log):
        assert verified.get(CODES).status_code == 200

        assert log.new() == []

    def test_made_together_are_one_entry_each_time(self, verified, bob, secrets, log):
        verified.post(CODES)
        device = StaticDevice.objects.get()
        secrets.learn(*device.token_set.values_list("token", flat=True))
        verified.post(CODES)
        secrets.learn(*device.token_set.values_list("token", flat=True))

        facts = code_facts(device, codes=10)
        assert log.new() == [changed("recovery_codes_generated", bob, CODES, facts)] * 2


def test_connecting_both_sources_records_all_of_it_once(client, bob, device, secrets, log):
    Source().connect()
    type_password(client)
    type_code(client, code_of(device, secrets))

    assert log.new() == [passed(bob, device), login(bob)]

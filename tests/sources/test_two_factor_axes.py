"""django-two-factor-auth behind django-axes: one entry for each password, code and lockout."""

import pytest
from django.db import connection

from tests.sources.conftest import Browser
from tests.sources.one_time import WRONG_CODE, add_totp, code_of, facts_of
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

AXES = "axes.backends.AxesStandaloneBackend"
LOGIN = "/account/login/"
AT = f"POST {LOGIN}"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def device(bob, secrets, log):
    device = add_totp(bob, secrets)
    log.forget()
    return device


def step(browser, name, **typed):
    data = {f"{name}-{field}": value for field, value in typed.items()}
    return browser.post(LOGIN, {"login_view-current_step": name, **data}).status_code


def type_password(browser, password=PASSWORD):
    return step(browser, "auth", username="bob", password=password)


def wrong(user, **facts):
    facts = {"reason": "invalid_password", **facts}
    return failure("auth.login.failure", user=user, at=AT, **facts)


def refused(user, device):
    facts = {**facts_of(device, via="two_factor"), "reason": "invalid_code"}
    return failure("auth.mfa.challenge.failure", user=user, at=AT, **facts)


def test_a_lockout_is_one_entry_and_each_attempt_another(client, bob, device, log):
    answers = [type_password(client, password) for password in (WRONG, WRONG, PASSWORD)]

    assert answers == [200, 429, 429]
    assert log.new() == [
        wrong(bob),
        wrong(bob),
        failure("auth.account_locked", user=bob, at=AT, via="axes"),
        wrong(bob, reason="locked", backend=AXES),
    ]


def test_wrong_codes_lock_nobody_out(client, bob, device, log, secrets):
    type_password(client)
    for _ in range(3):
        step(client, "token", otp_token=WRONG_CODE)
    assert step(client, "token", otp_token=code_of(device, secrets)) == 302

    facts = {"user": bob, "actor": bob, "at": AT}
    assert log.new() == [
        *[refused(bob, device)] * 3,
        success("auth.mfa.challenge.success", **facts, **facts_of(device, via="two_factor")),
        success("auth.login.success", backend=MODEL_BACKEND, **facts),
    ]


def test_who_has_typed_the_password_may_finish_though_it_is_locked_meanwhile(
    client, bob, device, log, secrets
):
    """Nothing asks axes about a code."""
    type_password(client)
    other = Browser(secrets)
    for _ in range(2):
        type_password(other, WRONG)
    log.forget()
    assert step(client, "token", otp_token=code_of(device, secrets)) == 302

    events = [row["event"] for row in log.new()]
    assert events == ["auth.mfa.challenge.success", "auth.login.success"]

"""social-auth-app-django beside django-axes: one entry for each sign-in, refusal and lockout."""

import pytest
from django.db import connection
from social_django.models import UserSocialAuth

from tests.sources.provider import running_provider
from tests.sources.recorded import PASSWORD, WRONG, failure, success
from tests.sources.test_social_auth import (
    AT,
    BACKEND,
    BOB,
    CODE,
    TOKEN,
    failed,
    sign_in,
    with_step,
)

AXES = "axes.backends.AxesStandaloneBackend"
LOGIN = "POST /login/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture(autouse=True)
def provider(settings, secrets):
    secrets.learn(CODE, TOKEN, BOB["ssn"], settings.SOCIAL_AUTH_HARBOUR_SECRET)
    with running_provider() as provider:
        settings.SOCIAL_AUTH_HARBOUR_URL = provider.url
        provider.answer("/token", {"access_token": TOKEN})
        provider.answer("/user", BOB)
        yield provider
        for _, sent in provider.asked:
            secrets.learn(sent.get("code_verifier"))


@pytest.fixture
def connected(bob, log):
    UserSocialAuth.objects.create(user=bob, provider="harbour", uid="17", id_key="number")
    log.forget()
    return bob


def type_password(browser, password):
    return browser.post("/login/", {"username": "bob", "password": password})


def wrong(user, **facts):
    facts = {"reason": "invalid_password", **facts}
    return failure("auth.login.failure", user=user, at=LOGIN, **facts)


def test_a_sign_in_by_the_provider_is_one_login(client, connected, log):
    assert sign_in(client).status_code == 302

    facts = {"at": AT, "backend": BACKEND}
    assert log.new() == [success("auth.login.success", user=connected, actor=connected, **facts)]


def test_passwords_are_locked_out_and_so_is_the_provider(client, connected, log):
    for password in (WRONG, WRONG, PASSWORD):
        type_password(client, password)
    lock = failure("auth.account_locked", user=connected, at=LOGIN, via="axes")
    assert log.new() == [
        wrong(connected),
        wrong(connected),
        lock,
        wrong(connected, reason="locked", backend=AXES),
    ]

    # axes has locked the address, whoever comes from it.
    assert sign_in(client).status_code == 429
    facts = {"reason": "locked", "backend": AXES}
    assert log.new() == [failure("auth.login.failure", at=AT, **facts)]


def test_what_a_step_of_the_pipeline_refuses_is_one_failure_and_no_lockout(
    client, connected, log, settings
):
    with_step(settings, "refuses")
    for _ in range(3):
        sign_in(client)

    facts = {"stage": "pipeline", "exception": "AuthPolicyError"}
    assert log.new() == [failed("membership_required", **facts)] * 3


def test_whom_the_pipeline_does_not_know_is_one_failure_until_a_lockout(
    client, connected, log, settings
):
    with_step(settings, "nobody")
    for _ in range(3):
        sign_in(client)

    facts = {"reason": "locked", "backend": AXES}
    assert log.new() == [
        failed("refused"),
        failed("refused"),
        failure("auth.account_locked", at=AT, via="axes"),
        failure("auth.login.failure", at=AT, **facts),
    ]


def test_a_sign_in_that_is_cancelled_is_one_failure(client, log):
    sign_in(client, error="access_denied")

    [row] = log.new()
    assert (row["event"], row["metadata"]["provider"]) == ("auth.sso.failure", "harbour")

"""django-allauth behind the lockouts of django-axes: two packages, one entry for each thing."""

import pytest

from tests.sources.allauthed import BACKEND
from tests.sources.recorded import PASSWORD, WRONG, failure, success

pytest_plugins = ["tests.sources.allauth_fixtures"]

AXES = "axes.backends.AxesStandaloneBackend"
LOGIN, REAUTHENTICATE = "/accounts/login/", "/accounts/reauthenticate/"
BY_ALLAUTH = {"via": "allauth", "method": "password"}


def sign_in(client, password):
    return client.post(LOGIN, {"login": "bob", "password": password}).status_code


def refused(user, at=LOGIN, event="auth.login.failure", **facts):
    return failure(event, user=user, at=f"POST {at}", **BY_ALLAUTH, **facts)


def locked(at=LOGIN, **facts):
    return failure("auth.account_locked", at=f"POST {at}", via="axes", **facts)


# "login" is what allauth's form calls it; allauth asks for "username".
@pytest.mark.parametrize("field", ["username", "login"])
def test_a_lockout_is_one_entry_and_each_attempt_another(client, bob, log, settings, field):
    settings.AXES_USERNAME_FORM_FIELD = field
    answers = [sign_in(client, password) for password in (WRONG, WRONG, PASSWORD)]

    wrong = refused(bob, reason="invalid_password")
    assert answers == [200, 429, 429]
    assert log.new() == [
        wrong,
        wrong,
        locked(user=bob),
        refused(bob, reason="locked", backend=AXES),
    ]


def test_a_lockout_at_a_reauthentication_is_no_failed_login(client, bob, log):
    sign_in(client, PASSWORD)
    for _ in range(3):
        client.post(REAUTHENTICATE, {"password": WRONG})

    event, facts = "auth.reauthentication.failure", {"actor": bob}
    wrong = refused(bob, REAUTHENTICATE, event, reason="invalid_password", **facts)
    assert log.new() == [
        success(
            "auth.login.success",
            user=bob,
            actor=bob,
            at=f"POST {LOGIN}",
            backend=BACKEND,
            **BY_ALLAUTH,
        ),
        wrong,
        wrong,
        locked(REAUTHENTICATE, user=bob, actor=bob),
        refused(bob, REAUTHENTICATE, event, reason="locked", **facts),
    ]

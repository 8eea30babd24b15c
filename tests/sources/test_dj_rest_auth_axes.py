"""dj-rest-auth and simplejwt behind django-axes: one entry for each attempt and lockout."""

import pytest

from tests.sources.recorded import PASSWORD, WRONG, failure

AXES = "axes.backends.AxesStandaloneBackend"
LOGIN = "/api/login/"


@pytest.mark.parametrize("field", ["username", "email"])
def test_a_lockout_is_one_entry_and_each_attempt_another(client, bob, log, field):
    for password in (WRONG, WRONG, PASSWORD):
        typed = {field: getattr(bob, field), "password": password}
        assert client.post(LOGIN, typed, content_type="application/json").status_code == 400

    facts = {"user": bob, "at": f"POST {LOGIN}"}
    login = {**facts, "via": "dj_rest_auth"}
    assert log.new() == [
        *[failure("auth.login.failure", **login, reason="invalid_password")] * 2,
        failure("auth.account_locked", **facts, via="axes"),
        failure("auth.login.failure", **login, reason="locked", backend=AXES),
    ]

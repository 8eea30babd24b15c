"""Sessions of django-allauth that their user ends."""

import pytest
from allauth.usersessions.models import UserSession

from django_authaudit.context import session_ref
from tests.sources.conftest import Browser
from tests.sources.recorded import PASSWORD, success

pytest_plugins = ["tests.sources.allauth_fixtures"]

LOGIN, SESSIONS = "/accounts/login/", "/accounts/sessions/"


def signed_in(secrets):
    browser = Browser(secrets)
    browser.post(LOGIN, {"login": "bob", "password": PASSWORD})
    return browser


def revoked(user, key, at, **facts):
    facts = {"actor": user, "at": at, "via": "allauth", **facts}
    return success("auth.session.revoked", user=user, session_ref=session_ref(key), **facts)


@pytest.fixture
def browsers(bob, log, secrets):
    browsers = [signed_in(secrets) for _ in range(3)]
    log.forget()
    return browsers


def test_each_session_that_is_ended_is_one_entry(browsers, bob, log):
    first, *others = browsers
    keys = [other.session.session_key for other in others]
    first.post(SESSIONS)

    assert log.new() == [revoked(bob, key, f"POST {SESSIONS}") for key in keys]


def test_the_entry_leads_to_those_of_the_session(bob, log, secrets):
    first = signed_in(secrets)
    login = log.rows()[-1]
    signed_in(secrets).post(SESSIONS)

    assert log.rows()[-1].metadata["session_ref"] == login.session_ref != ""
    assert first.get("/members/").status_code == 302


def test_looking_at_the_sessions_ends_none(browsers, bob, log):
    first, second, _ = browsers
    second.session.flush()
    first.get(SESSIONS)

    assert UserSession.objects.count() == 2
    assert log.new() == []


def test_a_session_that_a_command_ends_is_one_entry(browsers, bob, log):
    session = UserSession.objects.latest("pk")
    session.end()

    assert log.new() == [revoked(bob, session.session_key, "", actor=None)]


def test_a_session_that_cannot_be_ended_is_none(browsers, bob, log, settings):
    settings.SESSION_ENGINE = "no.such.engine"
    with pytest.raises(ModuleNotFoundError):
        UserSession.objects.latest("pk").end()

    assert log.new() == []


def test_the_admin_deletes_a_row_and_no_session(browsers, as_root, log):
    row = UserSession.objects.latest("pk")
    as_root.post(f"/admin/usersessions/usersession/{row.pk}/delete/", {"post": "yes"})

    assert UserSession.objects.count() == 2
    assert log.new() == []

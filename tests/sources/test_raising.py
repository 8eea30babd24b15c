"""Another app's receiver that raises costs no entry, though its app stands before ours."""

from functools import partial

import pytest
from django.apps import apps
from django.contrib.auth import authenticate, login, logout, signals
from django.contrib.auth.models import Group, User
from django.db.models.signals import m2m_changed, post_delete, post_save

from tests.sources.recorded import MODEL_BACKEND, WRONG, failure, role, success
from tests.views import acts

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def raises_on(monkeypatch, log):
    """Return a function that has the other app raise on a signal."""
    return partial(monkeypatch.setattr, apps.get_app_config("raising"), "raises_on")


def run(client, act):
    def view(request):
        with pytest.raises(RuntimeError, match="another app"):
            act(request)

    acts["raise"] = view
    client.get("/act/raise/")


def test_a_login_whose_session_is_kept(client, bob, log, raises_on):
    raises_on(signals.user_logged_in)

    run(client, lambda request: login(request, bob, MODEL_BACKEND))
    assert "sessionid" in client.cookies
    assert log.new() == [
        success(
            "auth.login.success",
            user=bob,
            actor=bob,
            at="GET /act/raise/",
        )
    ]


def test_a_failed_login(client, bob, log, raises_on):
    raises_on(signals.user_login_failed)

    run(client, lambda request: authenticate(request, username="bob", password=WRONG))

    assert log.new() == [
        failure("auth.login.failure", user=bob, at="GET /act/raise/", reason="invalid_password")
    ]


def test_a_logout_that_ends_no_session_says_so(as_bob, bob, log, raises_on):
    raises_on(signals.user_logged_out)

    run(as_bob, logout)

    assert as_bob.get("/members/").status_code == 200
    assert log.new() == [
        success("auth.logout", user=bob, actor=bob, at="GET /act/raise/", session_kept=True)
    ]


def test_an_account_that_is_stored_all_the_same(log, raises_on):
    raises_on(post_save)
    with pytest.raises(RuntimeError):
        User.objects.create(username="carol")

    assert log.new() == [success("account.created", user=User.objects.get())]


def test_a_deletion_that_is_rolled_back_says_so(client, bob, log, raises_on):
    raises_on(post_delete)

    run(client, lambda request: bob.delete())

    assert User.objects.filter(username="bob").exists()
    at = "GET /act/raise/"
    assert log.new() == [failure("account.deleted", user=bob, at=at, rolled_back=True)]


def test_a_role_whose_grant_is_rolled_back_says_so(client, bob, log, raises_on):
    editors = Group.objects.create(name="editors")
    log.forget()
    raises_on(m2m_changed)

    run(client, lambda request: bob.groups.add(editors))

    assert not bob.groups.exists()
    facts = {"at": "GET /act/raise/", "role": role("group", "editors"), "rolled_back": True}
    assert log.new() == [failure("authz.role.granted", user=bob, **facts)]

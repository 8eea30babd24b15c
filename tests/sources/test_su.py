"""Impersonation by django-su: no signal, and a list of who is behind it in the session."""

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import Permission
from django.db import connection

from tests.sources.impersonating import ThroughAnother, beginning, end
from tests.sources.recorded import WRONG, failure

EXIT = "GET /su/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


def start(browser, user):
    return browser.post(f"/su/{user.pk}/")


def leave(browser):
    return browser.get("/su/")


def at(user):
    return f"POST /su/{user.pk}/"


class TestSu(ThroughAnother):
    via, stopped_at = "su", EXIT
    start, stop, started_at = staticmethod(start), staticmethod(leave), staticmethod(at)

    def allow(self, user):
        user.user_permissions.add(Permission.objects.get(codename="change_user"))


def test_a_beginning_by_the_form_is_the_same(as_root, root, bob, log):
    as_root.post("/su/login/", {"user": bob.pk})

    assert log.new() == [beginning(bob, root, "POST /su/login/", "su")]


def test_a_login_by_the_projects_own_function_is_the_same(as_root, root, bob, log, settings):
    settings.SU_CUSTOM_LOGIN_ACTION = lambda request, user: login(request, user)
    start(as_root, bob)
    leave(as_root)

    assert log.new() == [beginning(bob, root, at(bob), "su"), end(bob, root, EXIT, "su")]


def test_what_has_ended_cannot_end_again(as_root, bob, log):
    start(as_root, bob)
    leave(as_root)
    log.forget()
    assert leave(as_root).status_code == 400

    assert log.new() == []


def test_an_account_that_is_none_is_nothing(as_root, log):
    assert as_root.post("/su/999/").status_code == 404

    assert log.new() == []


def test_who_may_not_is_forbidden(as_bob, bob, alice, log):
    assert start(as_bob, alice).status_code == 302

    assert [(row["event"], row["actor"], row["at"]) for row in log.new()] == [
        ("authz.forbidden", bob.pk, at(alice))
    ]


def test_a_failed_login_elsewhere_still_counts(as_root, root, log):
    as_root.post("/login/", {"username": "nobody", "password": WRONG})

    assert log.new() == [
        failure(
            "auth.login.failure",
            username="nobody",
            actor=root,
            at="POST /login/",
            reason="unknown_user",
        )
    ]

"""Impersonation by django-loginas: no signal, two functions that projects call themselves."""

import pytest
from django.db import connection
from loginas import settings as loginas_settings
from loginas.utils import login_as, restore_original_login

from tests.sources.conftest import Browser
from tests.sources.impersonating import Impersonation, beginning, end, forbidden, logout
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, failure, success
from tests.views import acts

BACK, ACT = "GET /as/logout/", "GET /act/it/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def act(monkeypatch):
    return lambda it: monkeypatch.setitem(acts, "it", it)


def start(browser, user, **facts):
    return browser.post(f"/as/login/user/{user.pk}/", facts)


def back(browser):
    return browser.get("/as/logout/")


def at(user):
    return f"POST /as/login/user/{user.pk}/"


@pytest.fixture
def as_bob_by_root(as_root, bob, log):
    start(as_root, bob)
    log.forget()
    return as_root


def denied(user, target):
    facts = {"via": "loginas", "view": "loginas.views.user_login"}
    return failure("authz.forbidden", user=user, actor=user, at=at(target), **facts)


class TestLoginAs(Impersonation):
    via, stopped_at = "loginas", BACK
    start, stop, started_at = staticmethod(start), staticmethod(back), staticmethod(at)


def test_a_beginning_says_why(as_root, root, bob, log):
    start(as_root, bob, reason="ticket 7")

    assert log.new() == [beginning(bob, root, at(bob), "loginas", reason="ticket 7")]


def test_a_logout_by_the_package_of_who_acts_as_nobody_is_a_logout(as_root, root, log):
    back(as_root)

    assert log.new() == [logout(root, BACK)]


def test_who_stayed_too_long_is_signed_out(as_bob_by_root, root, bob, log, monkeypatch):
    monkeypatch.setattr(loginas_settings, "USER_SESSION_DAYS_TIMESTAMP", -1)
    back(as_bob_by_root)
    assert "_auth_user_id" not in as_bob_by_root.session

    assert log.new() == [end(bob, root, BACK, "loginas"), logout(root, BACK)]


def test_who_has_a_mark_that_is_not_the_packages_is_signed_out(as_bob_by_root, root, log):
    session = as_bob_by_root.session
    session["loginas_from_user"] = f"{root.pk}:not:signed"
    session.save()
    assert back(as_bob_by_root).status_code == 500

    assert [(row["event"], row["actor"]) for row in log.new()] == [
        ("auth.impersonation.ended", root.pk),
        ("auth.logout", root.pk),
    ]


class TestThroughAnotherAccount:
    def test_the_beginning_names_both(self, as_root, root, alice, bob, log):
        alice.is_superuser = True
        alice.save()
        start(as_root, alice)
        log.forget()
        start(as_root, bob)

        assert log.new() == [beginning(bob, root, at(bob), "loginas", through="alice")]

    def test_what_follows_is_of_whom_the_package_remembers(self, as_root, alice, bob, log):
        alice.is_superuser = True
        alice.save()
        start(as_root, alice)
        start(as_root, bob)
        log.forget()
        as_root.get("/forbidden/")
        back(as_root)

        assert log.new() == [
            forbidden(user=bob, actor=alice),
            end(bob, alice, BACK, "loginas"),
        ]


class TestRefusal:
    def test_of_who_may_not_is_forbidden(self, as_bob, bob, alice, log):
        assert start(as_bob, alice).status_code == 302

        assert log.new() == [denied(bob, alice)]

    def test_of_an_account_that_no_backend_signs_in_is_forbidden(self, as_root, root, bob, log):
        bob.is_active = False
        bob.save()
        log.forget()
        assert start(as_root, bob).status_code == 302

        assert log.new() == [denied(root, bob)]

    def test_of_who_may_not_and_says_why_is_forbidden(self, as_bob, bob, alice, log, monkeypatch):
        monkeypatch.setattr(loginas_settings, "LOGIN_REASON_REQUIRED", True)
        start(as_bob, alice, reason="ticket 7")

        assert log.new() == [denied(bob, alice)]

    def test_of_nobody_is_nothing(self, client, bob, log):
        assert start(client, bob).status_code == 302

        assert log.new() == []

    def test_for_want_of_a_reason_is_nothing(self, as_root, root, bob, log, monkeypatch):
        monkeypatch.setattr(loginas_settings, "LOGIN_REASON_REQUIRED", True)
        start(as_root, bob)
        assert log.new() == []

        start(as_root, bob, reason="ticket 7")
        assert log.new() == [beginning(bob, root, at(bob), "loginas", reason="ticket 7")]


class TestFromAViewOfTheProject:
    def test_it_is_the_same(self, as_root, root, bob, log, act):
        act(lambda request: login_as(bob, request, reason="ours"))
        as_root.get("/act/it/")
        act(restore_original_login)
        as_root.get("/act/it/")

        assert log.new() == [
            beginning(bob, root, ACT, "loginas"),
            end(bob, root, ACT, "loginas"),
        ]

    def test_one_without_a_way_back_is_a_beginning(self, as_root, root, bob, log, act):
        act(lambda request: login_as(bob, request, store_original_user=False))
        as_root.get("/act/it/")

        assert log.new() == [beginning(bob, root, ACT, "loginas")]

    def test_a_visitor_who_is_given_an_account_signs_in(self, client, bob, log, act):
        act(lambda request: login_as(bob, request))
        client.get("/act/it/")
        client.get("/forbidden/")
        client.post("/logout/")

        assert log.new() == [
            success("auth.login.success", user=bob, actor=bob, at=ACT, backend=MODEL_BACKEND),
            forbidden(user=bob, actor=bob),
            logout(bob),
        ]

    def test_such_a_visitor_is_signed_out_by_the_package(self, client, bob, log, act):
        act(lambda request: login_as(bob, request))
        client.get("/act/it/")
        log.forget()
        back(client)

        assert log.new() == [logout(bob, BACK)]


def test_the_date_of_the_last_login_is_kept_as_the_package_keeps_it(secrets, as_root, bob):
    """The package puts Django's receiver back only if nobody raises meanwhile."""
    start(as_root, bob)
    back(as_root)
    bob.refresh_from_db()
    assert bob.last_login is None

    Browser(secrets).post("/login/", {"username": "bob", "password": PASSWORD})
    bob.refresh_from_db()
    assert bob.last_login is not None

"""Impersonation by django-impersonate, whose middleware replaces the user of the request."""

import pytest
from django.db import connection

from tests.sources.impersonating import Impersonation, end, forbidden, logout
from tests.sources.recorded import failure

STOP = "GET /impersonate/stop/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


def start(browser, user):
    return browser.get(f"/impersonate/{user.pk}/")


def stop(browser):
    return browser.get("/impersonate/stop/")


def at(user):
    return f"GET /impersonate/{user.pk}/"


def denied(user, target):
    # The package's decorator hides the name of its view.
    facts = {"via": "impersonate", "view": "impersonate.decorators._checkuser"}
    return failure("authz.forbidden", user=user, actor=user, at=at(target), **facts)


@pytest.fixture
def as_bob_by_root(as_root, bob, log):
    start(as_root, bob)
    log.forget()
    return as_root


class TestImpersonating(Impersonation):
    via, stopped_at = "impersonate", STOP
    start, stop, started_at = staticmethod(start), staticmethod(stop), staticmethod(at)


def test_what_has_ended_does_not_end_again(as_bob_by_root, log):
    stop(as_bob_by_root)
    log.forget()
    stop(as_bob_by_root)

    assert log.new() == []


def test_where_it_does_not_hold_the_real_person_acts_for_itself(
    as_bob_by_root, root, log, settings
):
    settings.IMPERSONATE = {**settings.IMPERSONATE, "URI_EXCLUSIONS": ["^forbidden/"]}
    as_bob_by_root.get("/forbidden/")

    assert log.new() == [forbidden(user=root, actor=root)]


def test_a_logout_where_it_does_not_hold_ends_it(as_bob_by_root, root, bob, log, settings):
    settings.IMPERSONATE = {**settings.IMPERSONATE, "URI_EXCLUSIONS": ["^logout/"]}
    as_bob_by_root.post("/logout/")

    assert log.new() == [end(bob, root, "POST /logout/", "impersonate"), logout(root)]


def test_a_logout_after_the_account_is_gone_ends_it_all_the_same(as_bob_by_root, root, bob, log):
    bob.delete()
    log.forget()
    as_bob_by_root.post("/logout/")

    assert log.new() == [end(None, root, "POST /logout/", "impersonate"), logout(root)]


def test_one_that_lasts_too_long_ends_where_the_package_ends_it(
    as_bob_by_root, root, bob, log, settings
):
    settings.IMPERSONATE = {**settings.IMPERSONATE, "MAX_DURATION": 60}
    session = as_bob_by_root.session
    session["_impersonate_start"] -= 61
    session.save()
    assert as_bob_by_root.get("/forbidden/", follow=True).status_code == 200

    assert log.new() == [end(bob, root, STOP, "impersonate")]


class TestRefusal:
    def test_of_who_may_not_is_forbidden(self, as_bob, bob, alice, log):
        assert start(as_bob, alice).status_code == 302

        assert log.new() == [denied(bob, alice)]

    def test_of_an_account_that_nobody_may_act_as_is_forbidden(
        self, as_root, alice, log, settings
    ):
        settings.IMPERSONATE = {**settings.IMPERSONATE, "ALLOW_SUPERUSER": False}
        alice.is_superuser = True
        alice.save()
        log.forget()
        assert start(as_root, alice).status_code == 302

        assert [(row["event"], row["actor_username"]) for row in log.new()] == [
            ("authz.forbidden", "root")
        ]

    def test_of_who_acts_as_another_already_is_forbidden(
        self, as_bob_by_root, root, bob, alice, log
    ):
        start(as_bob_by_root, alice)

        assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
            ("authz.forbidden", bob.pk, root.pk)
        ]

    def test_of_nobody_is_nothing(self, client, bob, log):
        assert start(client, bob).status_code == 302

        assert log.new() == []

    def test_of_an_account_that_is_none_is_nothing(self, as_root, log):
        assert as_root.get("/impersonate/999/").status_code == 404

        assert log.new() == []

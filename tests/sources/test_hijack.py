"""Impersonation by django-hijack: who it is, and no login or logout of anybody."""

import pytest
from django.db import connection
from hijack import signals, views

from django_authaudit.sources.hijack import Source
from tests.sources.conftest import Browser
from tests.sources.impersonating import ThroughAnother, beginning
from tests.sources.recorded import PASSWORD

ACQUIRE = "POST /hijack/acquire/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


def acquire(browser, user):
    return browser.post("/hijack/acquire/", {"user_pk": user.pk})


def release(browser):
    return browser.post("/hijack/release/")


class TestHijacking(ThroughAnother):
    via, stopped_at = "hijack", "POST /hijack/release/"
    start, stop = staticmethod(acquire), staticmethod(release)

    def started_at(self, user):
        return ACQUIRE

    def allow(self, user):
        user.is_staff = True
        user.save()


def test_who_may_not_is_forbidden(as_bob, bob, alice, log):
    assert acquire(as_bob, alice).status_code == 403

    assert [(row["event"], row["user"], row["actor"], row["at"]) for row in log.new()] == [
        ("authz.forbidden", bob.pk, bob.pk, ACQUIRE)
    ]


def test_who_acts_as_nobody_has_nothing_to_end(as_root, root, log):
    assert release(as_root).status_code == 403

    assert [(row["event"], row["actor"]) for row in log.new()] == [("authz.forbidden", root.pk)]


def test_a_receiver_of_the_project_that_raises_leaves_an_entry_and_no_session(
    as_root, root, bob, log
):
    def fail(**kwargs):
        raise RuntimeError("no")

    signals.hijack_started.connect(fail)
    try:
        assert acquire(as_root, bob).status_code == 500
    finally:
        signals.hijack_started.disconnect(fail)

    assert log.new() == [beginning(bob, root, ACQUIRE, "hijack", session_kept=False)]


def test_the_date_of_the_last_login_is_kept_as_the_package_keeps_it(secrets, as_root, bob):
    """The package puts its receiver back only if nobody raises meanwhile."""
    acquire(as_root, bob)
    release(as_root)
    bob.refresh_from_db()
    assert bob.last_login is None

    Browser(secrets).post("/login/", {"username": "bob", "password": PASSWORD})
    bob.refresh_from_db()
    assert bob.last_login is not None


def test_a_second_connecting_wraps_nothing_again():
    login = views.login
    Source().connect()

    assert views.login is login

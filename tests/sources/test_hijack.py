"""Impersonation by django-hijack: who it is, and no login or logout of anybody."""

import pytest
from django.db import connection
from hijack import signals, views

from django_authaudit import context
from django_authaudit.sources.hijack import Source
from tests.sources.conftest import Browser
from tests.sources.impersonating import beginning, end, forbidden, logout
from tests.sources.recorded import MODEL_BACKEND, NEW, PASSWORD, WRONG, failure, success

ACQUIRE, RELEASE = "POST /hijack/acquire/", "POST /hijack/release/"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


def acquire(browser, user):
    return browser.post("/hijack/acquire/", {"user_pk": user.pk})


def release(browser):
    return browser.post("/hijack/release/")


@pytest.fixture
def as_bob_by_root(as_root, bob, log):
    assert acquire(as_root, bob).status_code == 302
    log.forget()
    return as_root


def test_a_beginning_is_one_entry_and_no_login(as_root, root, bob, log):
    acquire(as_root, bob)

    assert log.new() == [beginning(bob, root, ACQUIRE, "hijack")]


def test_an_end_is_one_entry_and_no_login(as_bob_by_root, root, bob, log):
    release(as_bob_by_root)

    assert log.new() == [end(bob, root, RELEASE, "hijack")]


def test_beginning_and_end_name_the_session_of_the_account_acted_as(as_root, bob, log):
    acquire(as_root, bob)
    key = as_root.session.session_key
    as_root.get("/forbidden/")
    release(as_root)

    assert as_root.session.session_key != key
    assert {row.session_ref for row in log.rows()} == {context.session_ref(key)}


def test_what_is_done_meanwhile_is_the_real_persons(as_bob_by_root, root, bob, log):
    as_bob_by_root.get("/forbidden/")
    as_bob_by_root.post("/login/", {"username": "bob", "password": WRONG})
    as_bob_by_root.post(
        "/password/password_change/",
        {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
    )

    at = "POST /password/password_change/"
    assert log.new() == [
        forbidden(user=bob, actor=root),
        failure(
            "auth.login.failure",
            user=bob,
            actor=root,
            at="POST /login/",
            reason="invalid_password",
        ),
        success("auth.password.changed", user=bob, actor=root, at=at, by="admin"),
    ]


def test_afterwards_the_real_person_acts_for_itself(as_bob_by_root, root, log):
    release(as_bob_by_root)
    log.forget()
    as_bob_by_root.get("/forbidden/")

    assert log.new() == [forbidden(user=root, actor=root)]


def test_a_logout_ends_it_and_is_the_real_persons(as_bob_by_root, root, bob, log):
    as_bob_by_root.post("/logout/")

    assert log.new() == [end(bob, root, "POST /logout/", "hijack"), logout(root)]


class TestThroughAnotherAccount:
    @pytest.fixture
    def through_alice(self, as_root, alice, bob, log):
        alice.is_staff = True
        alice.save()
        acquire(as_root, alice)
        log.forget()
        acquire(as_root, bob)
        return as_root

    def test_the_actor_is_who_began_it_all(self, through_alice, root, bob, log):
        through_alice.get("/forbidden/")

        assert log.new() == [
            beginning(bob, root, ACQUIRE, "hijack", through="alice"),
            forbidden(user=bob, actor=root),
        ]

    def test_each_end_is_one_entry(self, through_alice, root, alice, bob, log):
        log.forget()
        release(through_alice)
        through_alice.get("/forbidden/")
        release(through_alice)

        assert log.new() == [
            end(bob, root, RELEASE, "hijack"),
            forbidden(user=alice, actor=root),
            end(alice, root, RELEASE, "hijack"),
        ]

    def test_a_logout_ends_both(self, through_alice, root, alice, bob, log):
        log.forget()
        through_alice.post("/logout/")

        at = "POST /logout/"
        assert log.new() == [
            end(bob, root, at, "hijack"),
            end(alice, root, at, "hijack"),
            logout(root),
        ]


def test_another_login_in_the_same_session_is_of_its_own_account(as_bob_by_root, alice, log):
    as_bob_by_root.post("/login/", {"username": "alice", "password": PASSWORD})
    as_bob_by_root.get("/forbidden/")

    assert log.new() == [
        success(
            "auth.login.success",
            user=alice,
            actor=alice,
            at="POST /login/",
            backend=MODEL_BACKEND,
        ),
        forbidden(user=alice, actor=alice),
    ]


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


def test_without_a_middleware_of_ours_each_entry_is_written_at_once(
    secrets, root, bob, log, settings
):
    settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if "authaudit" not in line]
    browser = Browser(secrets)
    browser.force_login(root)
    log.forget()
    acquire(browser, bob)
    release(browser)

    assert log.new() == [
        beginning(bob, root, ACQUIRE, "hijack"),
        end(bob, root, RELEASE, "hijack"),
    ]


def test_under_asgi_it_is_the_same(async_client, root, bob, log):
    async_client.force_login(root)
    log.forget()
    acquire(async_client, bob)
    async_client.get("/forbidden/")
    release(async_client)

    assert log.new() == [
        beginning(bob, root, ACQUIRE, "hijack"),
        forbidden(user=bob, actor=root),
        end(bob, root, RELEASE, "hijack"),
    ]


def test_a_second_connecting_wraps_nothing_again():
    login = views.login
    Source().connect()

    assert views.login is login

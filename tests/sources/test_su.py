"""Impersonation by django-su: no signal, and a list of who is behind it in the session."""

import pytest
from django.contrib.auth import login
from django.contrib.auth.models import Permission
from django.db import connection

from django_authaudit import context
from tests.sources.conftest import Browser
from tests.sources.impersonating import beginning, end, forbidden, logout
from tests.sources.recorded import MODEL_BACKEND, NEW, PASSWORD, WRONG, failure, success

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


@pytest.fixture
def as_bob_by_root(as_root, bob, log):
    assert start(as_root, bob).status_code == 302
    log.forget()
    return as_root


def test_a_beginning_is_one_entry_and_no_login(as_root, root, bob, log):
    start(as_root, bob)

    assert log.new() == [beginning(bob, root, at(bob), "su")]


def test_a_beginning_by_the_form_is_the_same(as_root, root, bob, log):
    as_root.post("/su/login/", {"user": bob.pk})

    assert log.new() == [beginning(bob, root, "POST /su/login/", "su")]


def test_an_end_is_one_entry_and_no_login(as_bob_by_root, root, bob, log):
    leave(as_bob_by_root)
    assert leave(as_bob_by_root).status_code == 400

    assert log.new() == [end(bob, root, EXIT, "su")]


def test_beginning_and_end_name_the_session_of_the_account_acted_as(as_root, bob, log):
    start(as_root, bob)
    key = as_root.session.session_key
    as_root.get("/forbidden/")
    leave(as_root)

    assert {row.session_ref for row in log.rows()} == {context.session_ref(key)}


def test_what_is_done_meanwhile_is_the_real_persons(as_bob_by_root, root, bob, log):
    as_bob_by_root.get("/forbidden/")
    as_bob_by_root.post("/login/", {"username": "bob", "password": WRONG})
    as_bob_by_root.post(
        "/password/password_change/",
        {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
    )

    path = "POST /password/password_change/"
    assert log.new() == [
        forbidden(user=bob, actor=root),
        failure(
            "auth.login.failure",
            user=bob,
            actor=root,
            at="POST /login/",
            reason="invalid_password",
        ),
        success("auth.password.changed", user=bob, actor=root, at=path, by="admin"),
    ]


def test_afterwards_the_real_person_acts_for_itself(as_bob_by_root, root, log):
    leave(as_bob_by_root)
    log.forget()
    as_bob_by_root.get("/forbidden/")

    assert log.new() == [forbidden(user=root, actor=root)]


def test_a_logout_ends_it_and_is_the_real_persons(as_bob_by_root, root, bob, log):
    as_bob_by_root.post("/logout/")

    assert log.new() == [end(bob, root, "POST /logout/", "su"), logout(root)]


class TestThroughAnotherAccount:
    @pytest.fixture
    def through_alice(self, as_root, alice, bob, log):
        alice.user_permissions.add(Permission.objects.get(codename="change_user"))
        start(as_root, alice)
        log.forget()
        start(as_root, bob)
        return as_root

    def test_the_actor_is_who_began_it_all(self, through_alice, root, bob, log):
        through_alice.get("/forbidden/")

        assert log.new() == [
            beginning(bob, root, at(bob), "su", through="alice"),
            forbidden(user=bob, actor=root),
        ]

    def test_each_end_is_one_entry(self, through_alice, root, alice, bob, log):
        log.forget()
        leave(through_alice)
        through_alice.get("/forbidden/")
        leave(through_alice)

        assert log.new() == [
            end(bob, root, EXIT, "su"),
            forbidden(user=alice, actor=root),
            end(alice, root, EXIT, "su"),
        ]

    def test_a_logout_ends_both(self, through_alice, root, alice, bob, log):
        log.forget()
        through_alice.post("/logout/")

        path = "POST /logout/"
        assert log.new() == [
            end(bob, root, path, "su"),
            end(alice, root, path, "su"),
            logout(root),
        ]


def test_a_login_by_the_projects_own_function_is_the_same(as_root, root, bob, log, settings):
    settings.SU_CUSTOM_LOGIN_ACTION = lambda request, user: login(request, user)
    start(as_root, bob)
    leave(as_root)

    assert log.new() == [beginning(bob, root, at(bob), "su"), end(bob, root, EXIT, "su")]


def test_an_account_that_is_none_is_nothing(as_root, log):
    assert as_root.post("/su/999/").status_code == 404

    assert log.new() == []


def test_who_may_not_is_forbidden(as_bob, bob, alice, log):
    assert start(as_bob, alice).status_code == 302

    assert [(row["event"], row["actor"], row["at"]) for row in log.new()] == [
        ("authz.forbidden", bob.pk, at(alice))
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


def test_without_a_middleware_of_ours_each_entry_is_written_at_once(
    secrets, root, bob, log, settings
):
    settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if "authaudit" not in line]
    browser = Browser(secrets)
    browser.force_login(root)
    log.forget()
    start(browser, bob)
    leave(browser)

    assert log.new() == [beginning(bob, root, at(bob), "su"), end(bob, root, EXIT, "su")]

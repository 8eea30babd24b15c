"""What holds of impersonation, whichever package it is by."""

import pytest

from django_authaudit import context
from tests.sources.conftest import Browser
from tests.sources.recorded import MODEL_BACKEND, NEW, PASSWORD, WRONG, failure, success

LOGOUT = "POST /logout/"


def beginning(user, actor, at, via, **facts):
    return success("auth.impersonation.started", user=user, actor=actor, at=at, via=via, **facts)


def end(user, actor, at, via):
    return success("auth.impersonation.ended", user=user, actor=actor, at=at, via=via)


def logout(user, at=LOGOUT):
    return success("auth.logout", user=user, actor=user, at=at)


def forbidden(user, actor, at="GET /forbidden/", **facts):
    facts = {"exception": "PermissionDenied", "view": "tests.views.forbidden", **facts}
    return failure("authz.forbidden", user=user, actor=actor, at=at, **facts)


class Impersonation:
    """A test class of a package says how to start and to stop, and where that is recorded."""

    via: str
    stopped_at: str

    def start(self, browser, user):
        raise NotImplementedError

    def stop(self, browser):
        raise NotImplementedError

    def started_at(self, user):
        raise NotImplementedError

    def beginning(self, user, actor, **facts):
        return beginning(user, actor, self.started_at(user), self.via, **facts)

    def end(self, user, actor, at=""):
        return end(user, actor, at or self.stopped_at, self.via)

    @pytest.fixture
    def as_bob_by_root(self, as_root, bob, log):
        self.start(as_root, bob)
        log.forget()
        return as_root

    def test_a_beginning_is_one_entry_and_no_login(self, as_root, root, bob, log):
        assert self.start(as_root, bob).status_code == 302

        assert log.new() == [self.beginning(bob, root)]

    def test_an_end_is_one_entry_and_neither_login_nor_logout(
        self, as_bob_by_root, root, bob, log
    ):
        self.stop(as_bob_by_root)

        assert log.new() == [self.end(bob, root)]

    def test_all_of_it_names_the_session_of_the_account_acted_as(self, as_root, bob, log):
        self.start(as_root, bob)
        key = as_root.session.session_key
        as_root.get("/forbidden/")
        self.stop(as_root)

        assert {row.session_ref for row in log.rows()} == {context.session_ref(key)}

    def test_what_is_done_meanwhile_is_the_real_persons(self, as_bob_by_root, root, bob, log):
        as_bob_by_root.get("/forbidden/")
        as_bob_by_root.post("/login/", {"username": "bob", "password": WRONG})
        as_bob_by_root.post(
            "/password/password_change/",
            {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW},
        )

        at, why = "POST /login/", "invalid_password"
        changed_at = "POST /password/password_change/"
        assert log.new() == [
            forbidden(user=bob, actor=root),
            failure("auth.login.failure", user=bob, actor=root, at=at, reason=why),
            success("auth.password.changed", user=bob, actor=root, at=changed_at, by="admin"),
        ]

    def test_afterwards_the_real_person_acts_for_itself(self, as_bob_by_root, root, log):
        self.stop(as_bob_by_root)
        log.forget()
        as_bob_by_root.get("/forbidden/")

        assert log.new() == [forbidden(user=root, actor=root)]

    def test_a_logout_ends_it_and_is_the_real_persons(self, as_bob_by_root, root, bob, log):
        as_bob_by_root.post("/logout/")

        assert log.new() == [self.end(bob, root, LOGOUT), logout(root)]

    def test_another_login_in_the_same_session_is_of_its_own_account(
        self, as_bob_by_root, alice, log
    ):
        as_bob_by_root.post("/login/", {"username": "alice", "password": PASSWORD})
        as_bob_by_root.get("/forbidden/")

        facts = {"user": alice, "actor": alice}
        assert log.new() == [
            success("auth.login.success", at="POST /login/", backend=MODEL_BACKEND, **facts),
            forbidden(**facts),
        ]

    def test_under_asgi_it_is_the_same(self, async_client, root, bob, log):
        async_client.force_login(root)
        log.forget()
        self.start(async_client, bob)
        async_client.get("/forbidden/")
        self.stop(async_client)

        assert log.new() == [
            self.beginning(bob, root),
            forbidden(user=bob, actor=root),
            self.end(bob, root),
        ]

    def test_without_a_middleware_of_ours_each_entry_is_written_at_once(
        self, secrets, root, bob, log, settings
    ):
        settings.MIDDLEWARE = [line for line in settings.MIDDLEWARE if "authaudit" not in line]
        browser = Browser(secrets)
        browser.force_login(root)
        log.forget()
        self.start(browser, bob)
        self.stop(browser)
        self.start(browser, bob)
        browser.post("/logout/")

        assert log.new() == [
            self.beginning(bob, root),
            self.end(bob, root),
            self.beginning(bob, root),
            self.end(bob, root, LOGOUT),
            logout(root),
        ]


class ThroughAnother(Impersonation):
    """Of a package by which one may act as another and, as that one, as a third."""

    def allow(self, user):
        raise NotImplementedError

    @pytest.fixture
    def through_alice(self, as_root, alice, bob, log):
        self.allow(alice)
        self.start(as_root, alice)
        log.forget()
        self.start(as_root, bob)
        return as_root

    def test_through_another_the_actor_is_who_began_it_all(self, through_alice, root, bob, log):
        through_alice.get("/forbidden/")

        assert log.new() == [
            self.beginning(bob, root, through="alice"),
            forbidden(user=bob, actor=root),
        ]

    def test_through_another_each_end_is_one_entry(self, through_alice, root, alice, bob, log):
        log.forget()
        self.stop(through_alice)
        through_alice.get("/forbidden/")
        self.stop(through_alice)

        assert log.new() == [
            self.end(bob, root),
            forbidden(user=alice, actor=root),
            self.end(alice, root),
        ]

    def test_through_another_a_logout_ends_both(self, through_alice, root, alice, bob, log):
        log.forget()
        through_alice.post("/logout/")

        assert log.new() == [
            self.end(bob, root, LOGOUT),
            self.end(alice, root, LOGOUT),
            logout(root),
        ]

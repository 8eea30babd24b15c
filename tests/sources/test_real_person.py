"""Who acts as another is the actor of all that happens meanwhile, whichever package it is by.

What a package leaves in the session is told by a function; here it is the tests' own."""

from types import ModuleType

import pytest
from django.contrib.auth import SESSION_KEY, authenticate, login, logout
from django.contrib.auth.models import User
from django.contrib.sessions.backends.signed_cookies import SessionStore
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_authaudit import context, guard, record, recorder
from django_authaudit.mechanisms import calls, impersonation
from tests.sources.conftest import AsyncBrowser, Browser
from tests.sources.impersonating import forbidden
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, success
from tests.views import acts

ACT, ASYNC_ACT = "/act/it/", "/act-async/it/"


def behind(request):
    through = request.session.get("behind")
    return [*through, request.session[SESSION_KEY]] if through else []


@pytest.fixture
def known(monkeypatch):
    monkeypatch.setitem(context.real_people, "tests", behind)


def disguise(browser, user, *through):
    browser.force_login(user)
    session = getattr(browser, "client", browser).session
    session["behind"] = [str(person.pk) for person in through]
    session.save()
    return browser


@pytest.fixture
def as_bob_by_root(secrets, root, bob, known, log):
    browser = disguise(Browser(secrets), bob, root)
    log.forget()
    return browser


@pytest.fixture
def act(monkeypatch):
    return lambda it: monkeypatch.setitem(acts, "it", it)


def test_what_is_done_meanwhile_concerns_the_account_and_is_the_real_persons(
    as_bob_by_root, bob, root, log
):
    as_bob_by_root.get("/forbidden/")

    assert log.new() == [forbidden(bob, root)]


def test_who_acts_as_nobody_is_who_is_signed_in(as_bob, bob, known, log):
    as_bob.get("/forbidden/")

    assert log.new() == [forbidden(bob, bob)]


def test_where_no_package_is_connected_nobody_is_asked(secrets, root, bob, log):
    browser = disguise(Browser(secrets), bob, root)
    log.forget()
    browser.get("/forbidden/")

    assert log.new() == [forbidden(bob, bob)]


def test_through_several_accounts_it_is_the_first_one(secrets, root, alice, bob, known, log):
    browser = disguise(Browser(secrets), bob, root, alice)
    log.forget()
    browser.get("/forbidden/")

    assert log.new() == [forbidden(bob, root)]


def test_a_password_changed_meanwhile_was_changed_by_another(as_bob_by_root, bob, root, log, act):
    def change(request):
        request.user.set_password(WRONG)
        request.user.save()

    act(change)
    as_bob_by_root.get(ACT)

    assert log.new() == [
        success("auth.password.changed", user=bob, actor=root, at=f"GET {ACT}", by="admin")
    ]


def test_an_actor_named_by_the_project_is_replaced_only_if_it_is_the_account(
    as_bob_by_root, bob, alice, root, log, act
):
    def tell(request):
        record("authz.role.granted", actor=request.user)
        record("authz.role.granted", actor=User.objects.get(username="bob"))
        record("authz.role.granted", actor=alice)

    act(tell)
    as_bob_by_root.get(ACT)

    assert [row["actor_username"] for row in log.new()] == ["root", "root", "alice"]


def test_what_comes_before_the_session_is_loaded_is_the_real_persons_too(
    secrets, root, bob, known, log
):
    strict = disguise(Browser(secrets, enforce_csrf_checks=True), bob, root)
    log.forget()
    strict.post("/form/")

    assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
        ("authz.csrf_rejected", bob.pk, root.pk)
    ]


def test_under_asgi_it_is_the_real_persons_too(secrets, root, bob, known, log):
    browser = disguise(AsyncBrowser(secrets), bob, root)
    log.forget()
    browser.get("/forbidden-async/")

    view = "tests.views.forbidden_async"
    assert log.new() == [forbidden(bob, root, "GET /forbidden-async/", view=view)]


def test_recording_does_not_make_the_response_vary(as_bob_by_root, log, act):
    act(lambda request: record("authz.forbidden"))

    assert "Cookie" not in as_bob_by_root.get(ACT).headers.get("Vary", "")
    assert [row["actor_username"] for row in log.new()] == ["root"]


def test_the_real_person_is_looked_up_once_for_all_entries(as_bob_by_root, log, act):
    def tell(request):
        for _ in range(5):
            record("authz.forbidden", user=request.user)

    act(tell)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        as_bob_by_root.get(ACT)

    asked = [query for query in queries if 'FROM "auth_user"' in query["sql"].replace("`", '"')]
    assert len(asked) == 2  # the signed-in user, by Django, and the real person
    assert [row["actor_username"] for row in log.new()] == ["root"] * 5


def test_a_real_person_whose_account_is_gone_keeps_its_key(as_bob_by_root, bob, root, log):
    pk = root.pk
    root.delete()
    log.forget()
    as_bob_by_root.get("/forbidden/")
    as_bob_by_root.post("/logout/")

    rows = log.new()
    assert [row["event"] for row in rows] == [
        "authz.forbidden",
        "auth.impersonation.ended",
        "auth.logout",
    ]
    assert {(row["user"], row["actor"], row["actor_username"]) for row in rows} == {
        (bob.pk, pk, "")
    }


class TestLogout:
    def test_ends_it_and_is_the_real_persons(self, as_bob_by_root, bob, root, log):
        as_bob_by_root.post("/logout/")

        facts = {"actor": root, "at": "POST /logout/"}
        assert log.new() == [
            success("auth.impersonation.ended", user=bob, via="tests", **facts),
            success("auth.logout", user=root, **facts),
        ]

    def test_ends_each_of_several(self, secrets, root, alice, bob, known, log):
        browser = disguise(Browser(secrets), bob, root, alice)
        log.forget()
        browser.post("/logout/")

        assert [(row["event"], row["username"], row["actor_username"]) for row in log.new()] == [
            ("auth.impersonation.ended", "bob", "root"),
            ("auth.impersonation.ended", "alice", "root"),
            ("auth.logout", "root", "root"),
        ]

    def test_leaves_what_was_recorded_before_to_the_real_person(self, as_bob_by_root, log, act):
        def tell_and_leave(request):
            record("authz.forbidden")
            logout(request)

        act(tell_and_leave)
        as_bob_by_root.get(ACT)

        assert {row["actor_username"] for row in log.new()} == {"root"}

    def test_names_the_session_that_ended(self, as_bob_by_root, log):
        key = as_bob_by_root.session.session_key
        as_bob_by_root.post("/logout/")

        assert {row.session_ref for row in log.rows()} == {context.session_ref(key)}

    def test_without_the_source_of_logins_ends_it_all_the_same(
        self, as_bob_by_root, bob, root, log, act
    ):
        def twice(request):
            impersonation.on_user_logged_out(None, request=request, user=request.user)
            impersonation.on_user_logged_out(None, request=request, user=request.user)

        act(twice)
        as_bob_by_root.get(ACT)

        assert [row["event"] for row in log.new()] == ["auth.impersonation.ended"]


def test_another_login_is_of_its_own_account(as_bob_by_root, alice, log):
    as_bob_by_root.post("/login/", {"username": "alice", "password": PASSWORD})

    assert log.new() == [
        success(
            "auth.login.success", user=alice, actor=alice, at="POST /login/", backend=MODEL_BACKEND
        )
    ]


def test_a_failed_login_names_who_tried(as_bob_by_root, alice, root, log):
    as_bob_by_root.post("/login/", {"username": "alice", "password": WRONG})

    assert [(row["username"], row["actor_username"]) for row in log.new()] == [("alice", "root")]


class TestWhereThePersonStays:
    def test_nothing_is_a_login_a_logout_or_a_failure(self, client, bob, log, act):
        def pretend(request):
            with context.same_person():
                login(request, bob, backend=MODEL_BACKEND)
                authenticate(request, username="bob", password=WRONG)
                impersonation.on_user_logged_out(None, request=request, user=bob)
                logout(request)

        act(pretend)
        client.get(ACT)

        assert log.new() == []

    def test_what_follows_counts_again(self, client, bob, log, act):
        def fail(*args):
            raise ValueError("no")

        def pretend(request):
            with pytest.raises(ValueError, match="no"):
                impersonation.without_login(fail)(request)
            login(request, bob, backend=MODEL_BACKEND)

        act(pretend)
        client.get(ACT)

        assert [row["event"] for row in log.new()] == ["auth.login.success"]


def test_the_real_person_of_a_request_is_who_acts_or_who_is_signed_in(rf, bob, root, known):
    request = rf.get("/")
    request.session = {"behind": [root.pk], SESSION_KEY: bob.pk}
    request.user = bob
    assert impersonation.real_person(request) == root
    del request.session["behind"]
    assert impersonation.real_person(request) == bob


def test_who_acts_is_not_known_until_the_session_is_loaded(rf, bob, root, known):
    request = rf.get("/")
    request.session = SessionStore()
    assert context.impersonation(request) is context.UNKNOWN
    assert context.impersonation(request, load=True) is None
    assert context.impersonation(None) is None


def test_a_session_begun_under_another_name_is_named(client, bob, root, known, log, act):
    def begin(request):
        with context.same_person():
            login(request, bob, backend=MODEL_BACKEND)
        impersonation.started(request, bob, "tests", actor=root, reason="ticket 7")

    act(begin)
    client.get(ACT)

    [row] = log.rows()
    assert (row.event, row.user_id, row.actor_id) == (
        "auth.impersonation.started",
        bob.pk,
        root.pk,
    )
    assert row.metadata == {"via": "tests", "reason": "ticket 7"}
    assert row.session_ref == context.session_ref(client.session.session_key)


def test_a_beginning_whose_session_was_not_kept_says_so(client, bob, log, act):
    def begin(request):
        impersonation.started(request, bob, "tests")

    act(begin)
    client.get(ACT)

    assert [row["metadata"] for row in log.new()] == [{"via": "tests", "session_kept": False}]


def test_without_a_request_there_is_nobody_behind(bob, known, log):
    recorder.record("auth.mfa.removed", user=bob)

    assert log.new() == [success("auth.mfa.removed", user=bob)]


def test_a_release_without_what_is_wrapped_is_an_error_in_the_log_alone(caplog):
    calls.replace(ModuleType("package.views"), "login", impersonation.without_login)

    assert "Audit log: wrapping package.views.login() failed." in caplog.text
    del guard.failures["wrapping package.views.login()"]

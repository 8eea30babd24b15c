"""Sign-in, its failure and sign-out: one entry each, whatever way they take."""

import enum

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import (
    aauthenticate,
    alogin,
    authenticate,
    login,
    logout,
    signals,
)
from django.contrib.auth.models import User, update_last_login
from django.contrib.auth.views import redirect_to_login
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand
from django.db import connection
from django.test import AsyncClient, Client

from django_authaudit import guard
from django_authaudit.cleaning import MASK
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success
from tests.users.models import Customer, ProxyUser
from tests.views import acts

pytestmark = pytest.mark.urls("tests.sources.urls")
BACKENDS = "tests.sources.backends"


def typed(name, password=PASSWORD):
    return {"username": name, "password": password}


def signed_in(user, at, backend=MODEL_BACKEND, **metadata):
    return success("auth.login.success", user=user, actor=user, at=at, backend=backend, **metadata)


def refused(reason, at="POST /login/", **facts):
    return failure("auth.login.failure", at=at, reason=reason, **facts)


class TestSignIn:
    @pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/"])
    def test_by_any_view_is_one_entry(self, client, bob, log, path):
        client.post(path, typed("bob"))

        assert log.new() == [signed_in(bob, f"POST {path}")]

    @pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/"])
    def test_under_asgi_is_one_entry(self, async_client, bob, log, path):
        async_client.post(path, typed("bob"))

        assert log.new() == [signed_in(bob, f"POST {path}")]

    def test_at_the_admin_is_one_entry(self, client, root, log):
        client.post("/admin/login/", typed("root"))

        assert log.new() == [signed_in(root, "POST /admin/login/")]

    def test_names_the_session_that_is_kept(self, client, bob, log):
        client.post("/login/", typed("bob"))
        client.post("/logout/")

        in_, out = log.rows()
        assert in_.session_ref
        assert in_.session_ref == out.session_ref

    def test_says_where_it_came_from(self, client, bob, log):
        headers = {"user-agent": "Lynx/2.9", "x-forwarded-for": "198.51.100.1"}
        client.post("/login/", typed("bob", WRONG), REMOTE_ADDR="203.0.113.7", headers=headers)

        [row] = log.rows()
        assert (row.ip_address, row.user_agent) == ("203.0.113.7", "Lynx/2.9")
        assert row.metadata["untrusted_forwarded_for"] == "198.51.100.1"
        assert row.request_id

    def test_over_another_session_names_only_the_new_user(self, as_bob, alice, log):
        as_bob.post("/login/", typed("alice"))
        as_bob.post("/logout/")

        in_, out = log.rows()
        assert (in_.event, in_.user_id, in_.actor_id) == ("auth.login.success", alice.pk, alice.pk)
        assert in_.session_ref == out.session_ref != ""

    def test_sent_twice_in_one_request_is_one_entry(self, client, bob, log):
        def view(request):
            user = authenticate(request, username="bob", password=PASSWORD)
            login(request, user)
            login(request, user)

        acts["twice"] = view
        client.get("/act/twice/")

        assert log.new() == [signed_in(bob, "GET /act/twice/")]

    def test_after_a_logout_is_another(self, client, bob, log):
        def view(request):
            for _ in range(2):
                login(request, bob, MODEL_BACKEND)
                logout(request)
            login(request, bob, MODEL_BACKEND)

        acts["again"] = view
        client.get("/act/again/")

        events = [(row["event"], row["user"]) for row in log.new()]
        assert events == [
            ("auth.login.success", bob.pk),
            ("auth.logout", bob.pk),
            ("auth.login.success", bob.pk),
            ("auth.logout", bob.pk),
            ("auth.login.success", bob.pk),
        ]

    def test_over_the_login_of_another_is_another(self, client, bob, alice, log):
        def view(request):
            for user in (bob, alice, bob):
                login(request, user, MODEL_BACKEND)

        acts["again"] = view
        client.get("/act/again/")

        assert [row["user"] for row in log.new()] == [bob.pk, alice.pk, bob.pk]

    def test_of_two_users_in_one_request_is_two_entries(self, client, bob, alice, log):
        def view(request):
            login(request, bob, MODEL_BACKEND)
            login(request, alice, MODEL_BACKEND)

        acts["two"] = view
        client.get("/act/two/")

        assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
            ("auth.login.success", bob.pk, bob.pk),
            ("auth.login.success", alice.pk, alice.pk),
        ]

    def test_leaves_what_came_before_it_to_who_was_signed_in_then(self, client, bob, root, log):
        def view(request):
            User.objects.create_user("carol")
            login(request, bob, MODEL_BACKEND)
            bob.is_staff = True
            bob.save()

        acts["signup"] = view
        client.get("/act/signup/")

        assert [(row["event"], row["actor"]) for row in log.new()] == [
            ("account.created", None),
            ("auth.login.success", bob.pk),
            ("authz.role.granted", bob.pk),
        ]

    @pytest.mark.parametrize("atomic", [False, True])
    def test_whose_session_was_not_kept_says_so(self, client, bob, log, monkeypatch, atomic):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)

        def view(request):
            login(request, authenticate(request, username="bob", password=PASSWORD))
            raise RuntimeError("after the login")

        acts["fail"] = view
        response = client.get("/act/fail/")

        assert response.status_code == 500
        assert log.new() == [signed_in(bob, "GET /act/fail/", session_kept=False)]

    def test_over_another_session_that_was_not_kept_names_no_session(self, as_bob, alice, log):
        def view(request):
            login(request, alice, MODEL_BACKEND)
            raise RuntimeError("after the login")

        acts["fail"] = view
        as_bob.get("/act/fail/")

        [row] = log.rows()
        assert (row.user_id, row.session_ref) == (alice.pk, "")
        assert row.metadata == {"session_kept": False}

    def test_by_the_test_client_is_recorded_without_a_request(self, bob, log):
        Client().force_login(bob)
        Client().login(username="bob", password=PASSWORD)
        async_to_sync(AsyncClient().alogin)(username="bob", password=PASSWORD)

        assert log.new() == [signed_in(bob, "")] * 3

    def test_that_a_package_sends_without_a_request_is_recorded(self, bob, log):
        signals.user_logged_in.send(sender=User, user=bob)

        assert log.new() == [success("auth.login.success", user=bob, actor=bob)]

    def test_by_a_token_says_nothing_of_a_session(self, client, bob, log):
        def view(request):
            signals.user_logged_in.send(sender=User, request=request, user=bob)

        acts["token"] = view
        client.post("/act/token/")

        at = "POST /act/token/"
        assert log.new() == [success("auth.login.success", user=bob, actor=bob, at=at)]

    def test_of_nobody_is_nothing(self, log):
        signals.user_logged_in.disconnect(update_last_login, dispatch_uid="update_last_login")
        try:
            signals.user_logged_in.send(sender=User, user=None, request=None)
        finally:
            signals.user_logged_in.connect(update_last_login, dispatch_uid="update_last_login")

        assert log.new() == []

    def test_by_a_proxy_of_the_user_model_names_the_account(self, client, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.ProxyBackend"]
        client.post("/api-login/", typed("bob"))

        proxy = ProxyUser.objects.get(pk=bob.pk)
        assert log.new() == [signed_in(proxy, "POST /api-login/", f"{BACKENDS}.ProxyBackend")]

    def test_by_a_child_of_the_user_model_names_the_account(self, client, log, settings):
        customer = Customer.objects.create_user("carol", "carol@example.org", PASSWORD)
        log.forget()
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.CustomerBackend"]
        client.post("/login/", typed("carol"))
        client.post("/logout/")

        backend = f"{BACKENDS}.CustomerBackend"
        assert log.new() == [
            signed_in(customer, "POST /login/", backend),
            success("auth.logout", user=customer, actor=customer, at="POST /logout/"),
        ]


class TestRemoteUser:
    @pytest.fixture(autouse=True)
    def remote_user(self, settings):
        settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
        settings.MIDDLEWARE = [
            *settings.MIDDLEWARE,
            "django.contrib.auth.middleware.RemoteUserMiddleware",
        ]

    BACKEND = "django.contrib.auth.backends.RemoteUserBackend"

    def test_signs_in_once_and_out_when_the_header_goes(self, client, bob, log):
        client.get("/", REMOTE_USER="bob")
        client.get("/", REMOTE_USER="bob")
        client.get("/")

        assert log.new() == [
            signed_in(bob, "GET /", self.BACKEND),
            success("auth.logout", user=bob, actor=bob, at="GET /"),
        ]

    def test_does_the_same_under_asgi(self, async_client, bob, log):
        async_client.get("/", headers={"remote-user": "bob"})
        async_client.get("/", headers={"remote-user": "bob"})
        async_client.get("/")

        assert log.new() == [
            signed_in(bob, "GET /", self.BACKEND),
            success("auth.logout", user=bob, actor=bob, at="GET /"),
        ]

    def test_of_a_new_account_is_that_account_and_its_login(self, client, log):
        client.get("/", REMOTE_USER="carol")

        carol = User.objects.get(username="carol")
        assert log.new() == [
            success("account.created", user=carol, at="GET /"),
            signed_in(carol, "GET /", self.BACKEND),
        ]

    def test_of_an_inactive_account_is_a_failure(self, client, bob, log):
        bob.is_active = False
        bob.save()
        log.forget()
        client.get("/", REMOTE_USER="bob")

        assert log.new() == [refused("inactive", "GET /", user=bob)]


class TestFailure:
    @pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/", "/admin/login/"])
    def test_by_a_wrong_password(self, client, bob, log, path):
        client.post(path, typed("bob", WRONG))

        assert log.new() == [refused("invalid_password", f"POST {path}", user=bob)]

    @pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/", "/admin/login/"])
    def test_by_an_unknown_name(self, client, log, path):
        client.post(path, typed("nobody"))

        assert log.new() == [refused("unknown_user", f"POST {path}", username="nobody")]

    @pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/"])
    def test_under_asgi(self, async_client, bob, log, path):
        async_client.post(path, typed("bob", WRONG))
        async_client.post(path, typed("nobody"))

        assert log.new() == [
            refused("invalid_password", f"POST {path}", user=bob),
            refused("unknown_user", f"POST {path}", username="nobody"),
        ]

    @pytest.mark.parametrize("path", ["/login/", "/api-login/", "/async-login/", "/admin/login/"])
    def test_of_an_inactive_account(self, client, bob, log, path):
        User.objects.update(is_active=False)
        client.post(path, typed("bob"))

        assert log.new() == [refused("inactive", f"POST {path}", user=bob)]

    def test_of_an_inactive_account_that_the_backend_lets_pass(self, client, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [
            "django.contrib.auth.backends.AllowAllUsersModelBackend"
        ]
        User.objects.update(is_active=False)
        client.post("/login/", typed("bob"))

        assert log.new() == [refused("inactive", user=bob, code="inactive")]

    def test_of_a_right_password_at_the_admin_without_being_staff(self, client, bob, log):
        client.post("/admin/login/", typed("bob"))

        assert log.new() == [
            refused("not_permitted", "POST /admin/login/", user=bob, code="invalid_login")
        ]

    def test_of_a_right_password_with_a_wrong_captcha(self, client, bob, log):
        answers = {"login-username": "bob", "login-password": PASSWORD, "login-answer": "41"}
        client.post("/captcha-login/", answers)

        assert log.new() == [
            refused("not_permitted", "POST /captcha-login/", user=bob, code="captcha")
        ]

    def test_of_a_wrong_password_with_a_wrong_captcha_is_one_entry(self, client, bob, log):
        answers = {"login-username": "bob", "login-password": WRONG, "login-answer": "41"}
        client.post("/captcha-login/", answers)

        assert log.new() == [refused("invalid_password", "POST /captcha-login/", user=bob)]

    def test_that_the_form_tells_at_its_field_is_one_entry(self, client, bob, log):
        client.post("/telling-login/", typed("bob", WRONG))

        assert log.new() == [refused("invalid_password", "POST /telling-login/", user=bob)]

    def test_of_a_malformed_name_behind_a_prefix(self, client, bob, log):
        answers = {"login-username": "b\0b", "login-password": WRONG, "login-answer": "42"}
        client.post("/captcha-login/", answers)

        [row] = log.new()
        assert row["metadata"].pop("username_hash")
        assert row == refused("malformed", "POST /captcha-login/", username=MASK, field="username")

    def test_of_a_name_that_the_form_refuses(self, client, log):
        client.post("/login/", typed("b\0b"))

        [row] = log.new()
        assert len(row["metadata"].pop("username_hash")) == 32
        assert row == refused("malformed", username=MASK, field="username")

    def test_of_a_name_that_is_too_long_for_the_form(self, client, log):
        answers = {"login-username": "b" * 31, "login-password": WRONG, "login-answer": "42"}
        client.post("/captcha-login/", answers)

        at = "POST /captcha-login/"
        assert log.new() == [refused("malformed", at, username="b" * 31, field="username")]

    @pytest.mark.parametrize("length", [151, 200_000])
    def test_of_a_name_that_is_too_long_for_an_account(self, client, log, length):
        client.post("/login/", typed("b" * length))

        [row] = log.new()
        assert len(row["metadata"].pop("username_hash")) == 32
        assert row == refused("unknown_user", username=MASK, truncated={"username": length})

    def test_of_a_password_that_the_form_refuses_names_the_account(self, client, bob, log):
        client.post("/login/", typed("bob", f"{PASSWORD}\0"))

        assert log.new() == [refused("malformed", user=bob, field="password")]

    @pytest.mark.parametrize("fields", [{}, {"username": "bob"}, {"password": WRONG}])
    def test_of_an_incomplete_form_is_nothing(self, client, bob, log, fields):
        client.post("/login/", fields)
        client.get("/login/")

        assert log.new() == []

    def test_by_a_backend_that_refuses(self, client, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.RefusingBackend", MODEL_BACKEND]
        client.post("/login/", typed("bob"))
        client.post("/async-login/", typed("nobody"))

        backend = f"{BACKENDS}.RefusingBackend"
        assert log.new() == [
            refused("backend_refused", user=bob, backend=backend),
            refused("backend_refused", "POST /async-login/", username="nobody", backend=backend),
        ]

    def test_after_a_refusal_is_no_refusal(self, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.RefusingBackend"]
        authenticate(username="bob", password=WRONG)
        settings.AUTHENTICATION_BACKENDS = [MODEL_BACKEND]
        authenticate(username="bob", password=WRONG)

        assert [row["metadata"]["reason"] for row in log.new()] == [
            "backend_refused",
            "invalid_password",
        ]

    def test_by_a_backend_that_breaks_is_none(self, client, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.UnreachableBackend"]

        assert client.post("/login/", typed("bob")).status_code == 500
        assert log.new() == []

    def test_without_a_request(self, bob, log):
        authenticate(username="bob", password=WRONG)
        authenticate(username="nobody", password=WRONG)
        async_to_sync(aauthenticate)(username="bob", password=WRONG)

        assert log.new() == [
            refused("invalid_password", "", user=bob),
            refused("unknown_user", "", username="nobody"),
            refused("invalid_password", "", user=bob),
        ]

    def test_in_a_command_names_the_command(self, bob, log):
        class Command(BaseCommand):
            def handle(self, *args, **options):
                authenticate(username="bob", password=WRONG)

        Command.__module__ = "project.management.commands.import_people"
        Command().execute(force_color=False, no_color=True, skip_checks=True)

        assert log.new() == [refused("invalid_password", "", user=bob, command="import_people")]

    def test_of_a_signed_in_user_for_another_account_names_both(self, as_bob, bob, alice, log):
        as_bob.post("/login/", typed("alice", WRONG))

        assert log.new() == [refused("invalid_password", user=alice, actor=bob)]

    def test_that_answers_403_is_one_entry(self, client, bob, log):
        def view(request):
            if authenticate(request, username="bob", password=WRONG) is None:
                raise PermissionDenied

        acts["deny"] = view
        client.get("/act/deny/")

        assert log.new() == [refused("invalid_password", "GET /act/deny/", user=bob)]

    def test_twice_in_one_request_is_two_entries(self, client, bob, log):
        def view(request):
            authenticate(request, username="bob", password=WRONG)
            authenticate(request, username="nobody", password=WRONG)

        acts["guess"] = view
        client.get("/act/guess/")

        assert log.new() == [
            refused("invalid_password", "GET /act/guess/", user=bob),
            refused("unknown_user", "GET /act/guess/", username="nobody"),
        ]

    def test_with_a_name_in_another_case_keeps_how_it_was_typed(self, client, bob, log):
        client.post("/login/", typed("BOB", WRONG))

        # Whether it is Bob's is for the database to say: MariaDB's columns know no case.
        (row,) = log.new()
        assert "BOB" in (row["username"], row["metadata"].get("typed"))

    def test_with_a_password_in_the_field_of_the_name_is_masked(self, client, log, secrets):
        secrets.learn("hunter2 is my password!")
        client.post("/login/", typed("hunter2 is my password!"))
        client.post("/login/", typed("hunter2 is my password!"))
        client.post("/login/", typed("another one, is it not?"))

        rows = log.new()
        assert [row["username"] for row in rows] == [MASK] * 3
        first, second, third = [row["metadata"]["username_hash"] for row in rows]
        assert first == second != third

    def test_with_a_password_in_the_field_of_the_address_is_masked(self, log, secrets, settings):
        secrets.learn("hunter2 is my password!")
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.EmailBackend"]
        authenticate(email="hunter2 is my password!", password=WRONG)
        signals.user_login_failed.send(
            sender="project", credentials={"username": "bob", "email": "hunter2 is my password!"}
        )

        rows = log.new()
        assert [(row["username"], row["email"]) for row in rows] == [(MASK, MASK), ("bob", MASK)]

    def test_with_a_password_beside_a_known_address_is_masked(self, bob, log, secrets):
        secrets.learn("hunter2 is my password!")
        signals.user_login_failed.send(
            sender="project",
            credentials={"username": "hunter2 is my password!", "email": bob.email},
        )

        assert log.new() == [refused("invalid_password", "", user=bob, typed=MASK)]

    def test_with_an_odd_name_of_an_account_is_not_masked(self, client, log):
        bob = User.objects.create_user(r"DOMAIN\bob", password=PASSWORD)
        log.forget()
        client.post("/login/", typed(r"DOMAIN\bob", WRONG))

        assert log.new() == [refused("invalid_password", user=bob)]

    def test_with_an_address_finds_the_only_account_that_has_it(self, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.EmailBackend"]
        authenticate(email="Bob@Example.org", password=WRONG)

        assert log.new() == [refused("invalid_password", "", user=bob, typed="Bob@Example.org")]

    def test_with_an_address_of_two_accounts_names_neither(self, bob, log, settings):
        User.objects.create_user("robert", "bob@example.org")
        log.forget()
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.EmailBackend"]
        authenticate(email="bob@example.org", password=WRONG)

        assert log.new() == [
            refused("unknown_user", "", username="bob@example.org", email="bob@example.org")
        ]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("table", ["auth_user", "django_session"])
    def test_while_a_table_is_away_keeps_where_it_came_from_and_no_password(
        self, as_bob, bob, log, secrets, table
    ):
        secrets.learn("hunter2 is my password!")

        def view(request):
            with connection.schema_editor() as editor:
                editor.alter_db_table(User, table, "away")
            signals.user_login_failed.send(
                sender="project", credentials=typed("hunter2 is my password!"), request=request
            )

        acts["away"] = view
        as_bob.get("/act/away/")
        with connection.schema_editor() as editor:
            editor.alter_db_table(User, "away", table)

        [row] = log.new()
        assert row["metadata"].pop("username_hash")
        assert row["metadata"].pop("incomplete")
        assert (row["username"], row["at"], row["ip"]) == (MASK, "GET /act/away/", "127.0.0.1")
        reason = {} if table == "auth_user" else {"reason": "unknown_user"}
        assert row["metadata"] == reason
        assert guard.failures.pop("asking who is signed in")
        assert guard.failures.pop("completing auth.login.failure", 0) == (table == "auth_user")

    @pytest.mark.django_db(transaction=True)
    def test_sent_back_to_the_login_while_the_sessions_are_away_is_kept(self, as_bob, log):
        def view(request):
            with connection.schema_editor() as editor:
                editor.alter_db_table(Session, "django_session", "away")
            return redirect_to_login(request.get_full_path())

        acts["away"] = view
        as_bob.get("/act/away/")
        with connection.schema_editor() as editor:
            editor.alter_db_table(Session, "away", "django_session")

        assert [row["event"] for row in log.new()] == ["authz.forbidden"]
        assert guard.failures.pop("asking who is signed in")

    def test_without_any_name_is_recorded(self, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.TicketBackend"]
        authenticate(ticket=WRONG)

        assert log.new() == [refused("unknown_user", "")]

    def test_that_a_package_sends_by_itself_is_recorded_each_time(self, bob, log, settings):
        settings.AUTHENTICATION_BACKENDS = [f"{BACKENDS}.RefusingBackend"]
        authenticate(username="bob", password=WRONG)
        signals.user_login_failed.send(sender="project", credentials={"username": "bob"})
        signals.user_login_failed.send(sender="project", credentials={"username": "bob"})

        assert [row["metadata"]["reason"] for row in log.new()] == [
            "backend_refused",
            "invalid_password",
            "invalid_password",
        ]

    def test_that_a_package_sends_after_the_right_password_is_no_refusal_of_the_backend(
        self, client, bob, log
    ):
        """A second factor that is checked by hand, for one."""

        def view(request):
            authenticate(request, username="bob", password=PASSWORD)
            signals.user_login_failed.send(
                sender="project", credentials={"username": "bob"}, request=request
            )

        acts["factor"] = view
        client.get("/act/factor/")

        assert log.new() == [refused("invalid_password", "GET /act/factor/", user=bob)]

    def test_copies_nothing_but_names_from_the_credentials(self, log):
        credentials = dict.fromkeys(["otp", "pin", "nonce", "ticket", "Authorization"], WRONG)
        signals.user_login_failed.send(sender="project", credentials=credentials)
        signals.user_login_failed.send(sender="project")

        assert log.new() == [refused("unknown_user", "")] * 2

    def test_reads_names_whose_keys_are_members_of_an_enumeration(self, bob, log):
        class LoginMethod(str, enum.Enum):
            USERNAME = "username"

        credentials = {LoginMethod.USERNAME: "bob", "password": MASK}
        signals.user_login_failed.send(sender="project", credentials=credentials)

        assert log.new() == [refused("invalid_password", "", user=bob)]


class TestSignOut:
    @pytest.mark.parametrize("path", ["/logout/", "/admin/logout/", "/async-logout/"])
    def test_is_one_entry(self, as_root, root, log, path):
        as_root.post(path)

        assert log.new() == [success("auth.logout", user=root, actor=root, at=f"POST {path}")]

    @pytest.mark.parametrize("path", ["/logout/", "/async-logout/"])
    def test_under_asgi_is_one_entry(self, async_client, bob, log, path):
        async_client.force_login(bob)
        log.forget()
        async_client.post(path)

        assert log.new() == [success("auth.logout", user=bob, actor=bob, at=f"POST {path}")]

    def test_of_nobody_is_nothing(self, client, log):
        client.post("/logout/")

        assert log.new() == []

    def test_of_nobody_under_asgi_is_nothing(self, async_client, log):
        async_client.post("/logout/")
        async_client.post("/async-logout/")

        assert log.new() == []

    def test_of_an_expired_session_is_nothing(self, as_bob, log):
        Session.objects.all().delete()
        as_bob.post("/logout/")

        assert log.new() == []

    def test_by_the_test_client_is_recorded(self, as_bob, async_client, bob, log):
        as_bob.logout()
        async_client.force_login(bob)
        log.forget()
        async_to_sync(async_client.client.alogout)()

        assert log.new() == [success("auth.logout", user=bob, actor=bob)]

    def test_leaves_what_came_before_it_to_who_was_signed_in(self, as_bob, bob, log):
        def view(request):
            User.objects.create_user("carol")
            logout(request)
            User.objects.create_user("dave")

        acts["leave"] = view
        as_bob.get("/act/leave/")

        assert [(row["event"], row["actor"]) for row in log.new()] == [
            ("account.created", bob.pk),
            ("auth.logout", bob.pk),
            ("account.created", None),
        ]

    def test_that_a_package_sends_too_is_one_entry(self, as_bob, bob, log):
        def view(request):
            signals.user_logged_out.send(sender=User, request=request, user=request.user)
            logout(request)

        acts["leave"] = view
        as_bob.get("/act/leave/")

        at = "GET /act/leave/"
        assert log.new() == [success("auth.logout", user=bob, actor=bob, at=at)]

    def test_of_two_users_in_one_request_is_two_entries(self, client, bob, alice, log):
        def view(request):
            for user in (bob, alice):
                signals.user_logged_out.send(sender=User, request=request, user=user)

        acts["leave"] = view
        client.get("/act/leave/")

        events = [(row["event"], row["user"]) for row in log.new()]
        assert events == [("auth.logout", bob.pk), ("auth.logout", alice.pk)]

    def test_after_deleting_oneself_names_the_account(self, as_bob, bob, log):
        def view(request):
            request.user.delete()
            logout(request)

        acts["leave"] = view
        as_bob.get("/act/leave/")

        facts = {"user": bob, "actor": bob, "at": "GET /act/leave/"}
        assert log.new() == [success("account.deleted", **facts), success("auth.logout", **facts)]

    def test_by_a_login_in_an_async_view_leaves_nothing_to_the_new_user(
        self, async_client, bob, alice, log
    ):
        async def view(request):
            await User.objects.acreate(username="carol")
            await alogin(request, alice, MODEL_BACKEND)

        acts["switch"] = view
        async_client.force_login(bob)
        log.forget()
        async_client.get("/act-async/switch/")

        assert [(row["event"], row["actor"]) for row in log.new()] == [
            ("account.created", None),
            ("auth.login.success", alice.pk),
        ]

"""Passwords: one entry for each change, failed change, request for a reset, and link."""

import getpass
import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordResetConfirmView
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value
from django.test.utils import CaptureQueriesContext

from django_authaudit.cleaning import MASK
from tests.sources import forms
from tests.sources.recorded import MODEL_BACKEND, NEW, PASSWORD, WRONG, failure, success
from tests.views import acts

pytestmark = pytest.mark.urls("tests.sources.urls")

CHANGE = "/password/password_change/"
REQUEST = "/password/password_reset/"
MD5 = "django.contrib.auth.hashers.MD5PasswordHasher"
NEW_HASHER = "tests.sources.backends.NewHasher"


def changed(user, by, at="", **facts):
    return success("auth.password.changed", user=user, at=at, by=by, **facts)


def old_and_new(old, new=NEW, again=NEW):
    return {"old_password": old, "new_password1": new, "new_password2": again}


class TestChange:
    @pytest.mark.parametrize("path", [CHANGE, "/admin/password_change/"])
    def test_by_the_owner(self, as_root, root, log, path):
        as_root.post(path, old_and_new(PASSWORD))

        assert log.new() == [changed(root, "self", f"POST {path}", actor=root)]

    def test_by_the_owner_under_asgi(self, async_client, bob, log):
        async_client.force_login(bob)
        log.forget()
        async_client.post(CHANGE, old_and_new(PASSWORD))

        assert log.new() == [changed(bob, "self", f"POST {CHANGE}", actor=bob)]

    def test_by_an_admin(self, as_root, root, bob, log):
        path = f"/admin/auth/user/{bob.pk}/password/"
        new = {"password1": NEW, "password2": NEW, "usable_password": "true"}
        response = as_root.post(path, new)

        assert response.status_code == 302
        assert log.new() == [changed(bob, "admin", f"POST {path}", actor=root)]

    def test_to_none_by_an_admin(self, as_root, root, bob, log):
        path = f"/admin/auth/user/{bob.pk}/password/"
        as_root.post(path, {"usable_password": "false", "unset-password": "1"})

        assert not User.objects.get(pk=bob.pk).has_usable_password()
        assert log.new() == [changed(bob, "admin", f"POST {path}", actor=root, unusable=True)]

    def test_by_the_command(self, bob, log, monkeypatch):
        monkeypatch.setattr(getpass, "getpass", lambda prompt: NEW)
        call_command("changepassword", "bob", verbosity=0)

        assert log.new() == [changed(bob, "command", command="changepassword")]

    def test_by_code(self, bob, log):
        bob.set_password(NEW)
        bob.save()
        bob.set_password(WRONG)
        bob.save(update_fields=["password"])
        bob.password = make_password(NEW)
        async_to_sync(bob.asave)()

        assert log.new() == [changed(bob, "code")] * 3

    def test_to_none_by_code(self, bob, log):
        bob.set_unusable_password()
        bob.save()

        assert log.new() == [changed(bob, "code", unusable=True)]

    def test_to_an_expression_by_code(self, bob, log):
        bob.password = Value(make_password(NEW))
        bob.save()

        assert [row["event"] for row in log.new()] == ["auth.password.changed"]

    def test_in_a_view_without_anybody_signed_in_is_by_code(self, client, bob, log):
        def view(request):
            bob.set_password(NEW)
            bob.save()

        acts["change"] = view
        client.get("/act/change/")

        assert log.new() == [changed(bob, "code", "GET /act/change/")]

    def test_that_is_not_stored_is_nothing(self, bob, log):
        bob.set_password(NEW)
        bob.save(update_fields=["first_name"])
        bob.refresh_from_db()
        bob.save()

        assert log.new() == []

    def test_of_other_columns_is_nothing(self, bob, log):
        bob.first_name = "Bob"
        bob.save()
        bob.last_name = F("first_name")
        bob.save(update_fields=["last_name"])
        partly = User.objects.only("first_name").get(pk=bob.pk)
        partly.first_name = "Robert"
        partly.save()
        partly = User.objects.defer("password").get(pk=bob.pk)
        partly.first_name = "Rob"
        partly.save()
        bob.password = F("password")
        bob.save()

        assert log.new() == []

    def test_of_a_new_account_is_nothing_but_the_account(self, log):
        carol = User.objects.create_user("carol", password=PASSWORD)

        assert log.new() == [success("account.created", user=carol)]


class TestHashUpgrade:
    @pytest.fixture
    def old(self, bob, settings, log):
        settings.PASSWORD_HASHERS = [NEW_HASHER, MD5]
        assert bob.password.startswith("md5$")
        yield bob
        assert User.objects.get(pk=bob.pk).password.startswith("pbkdf2_")

    @pytest.mark.parametrize("path", ["/login/", "/async-login/"])
    def test_at_login_is_nothing(self, client, old, log, path):
        client.post(path, {"username": "bob", "password": PASSWORD})

        at = f"POST {path}"
        assert log.new() == [
            success("auth.login.success", user=old, actor=old, at=at, backend=MODEL_BACKEND)
        ]

    def test_at_an_async_login_is_nothing(self, async_client, old, log):
        async_client.post("/async-login/", {"username": "bob", "password": PASSWORD})

        assert [row["event"] for row in log.new()] == ["auth.login.success"]

    def test_without_a_request_is_nothing(self, old, log):
        assert authenticate(username="bob", password=PASSWORD)

        assert log.new() == []

    def test_in_async_code_is_nothing(self, old, log):
        assert async_to_sync(aauthenticate)(username="bob", password=PASSWORD)

        assert log.new() == []

    def test_by_a_check_of_the_password_is_nothing(self, old, log):
        assert old.check_password(PASSWORD)

        assert log.new() == []

    def test_is_over_when_the_check_is(self, old, log):
        old.check_password(PASSWORD)
        async_to_sync(old.acheck_password)(PASSWORD)
        old.set_password(NEW)
        old.save()

        assert log.new() == [changed(old, "code")]


class TestFailedChange:
    @pytest.mark.parametrize("path", [CHANGE, "/admin/password_change/"])
    def test_for_a_wrong_old_password_is_one_entry(self, as_root, root, log, path):
        as_root.post(path, old_and_new(WRONG))

        at = f"POST {path}"
        assert log.new() == [
            failure(
                "auth.password.change_failure",
                user=root,
                actor=root,
                at=at,
                reason="invalid_password",
            )
        ]

    def test_under_asgi_is_one_entry(self, async_client, bob, log):
        async_client.force_login(bob)
        log.forget()
        async_client.post(CHANGE, old_and_new(WRONG, again="another"))

        assert [(row["event"], row["actor"]) for row in log.new()] == [
            ("auth.password.change_failure", bob.pk)
        ]

    def test_for_a_bad_new_password_is_nothing(self, as_bob, log):
        as_bob.post(CHANGE, old_and_new(PASSWORD, again="another"))
        as_bob.post(CHANGE, {})
        as_bob.get(CHANGE)

        assert log.new() == []


def requested(at=f"POST {REQUEST}", **facts):
    return success("auth.password_reset.requested", at=at, **facts)


class TestRequest:
    def test_for_a_known_address_names_the_account(self, client, bob, log):
        client.post(REQUEST, {"email": "BOB@example.org"})

        assert len(mail.outbox) == 1
        assert log.new() == [requested(user=bob, email="BOB@example.org")]

    def test_under_asgi_names_the_account(self, async_client, bob, log):
        async_client.post(REQUEST, {"email": "bob@example.org"})

        assert log.new() == [requested(user=bob)]

    def test_for_an_unknown_address_keeps_the_address(self, client, log):
        client.post(REQUEST, {"email": "nobody@example.org"})

        assert log.new() == [requested(email="nobody@example.org")]

    def test_for_an_address_of_two_accounts_names_neither(self, client, bob, log):
        User.objects.create_user("robert", "bob@example.org", PASSWORD)
        log.forget()
        client.post(REQUEST, {"email": "bob@example.org"})

        assert len(mail.outbox) == 2
        assert log.new() == [requested(email="bob@example.org")]

    def test_for_an_inactive_account_sends_nothing_and_names_nobody(self, client, bob, log):
        User.objects.update(is_active=False)
        client.post(REQUEST, {"email": "bob@example.org"})

        assert not mail.outbox
        assert log.new() == [requested(email="bob@example.org")]

    def test_of_a_signed_in_user_names_both(self, as_root, root, bob, log):
        as_root.post(REQUEST, {"email": "bob@example.org"})

        assert log.new() == [requested(user=bob, actor=root)]

    def test_tells_known_and_unknown_addresses_apart_to_nobody(self, client, bob, log):
        with CaptureQueriesContext(connection) as known:
            one = client.post(REQUEST, {"email": "bob@example.org"})
        with CaptureQueriesContext(connection) as unknown:
            other = client.post(REQUEST, {"email": "nobody@example.org"})

        assert len(known) == len(unknown)
        assert (one.status_code, one.url, one.content) == (
            other.status_code,
            other.url,
            other.content,
        )
        assert len(log.new()) == 2

    @pytest.mark.parametrize("email", ["", "no address", "b\0b@example.org"])
    def test_for_what_is_no_address_is_nothing(self, client, log, email):
        client.post(REQUEST, {"email": email})
        client.get(REQUEST)

        assert log.new() == []

    @pytest.mark.parametrize("form_class", [forms.FindsByName, forms.SavesAlone, forms.Own])
    def test_by_a_form_of_the_project_is_one_entry(
        self, client, bob, log, form_class, monkeypatch
    ):
        monkeypatch.setattr(forms.OwnView, "chosen", form_class)
        client.post("/own-reset/", {"email": "bob@example.org"})
        client.post("/own-reset/", {"email": "nobody@example.org"})

        at = "POST /own-reset/"
        assert log.new() == [
            requested(at, user=bob),
            requested(at, email="nobody@example.org"),
        ]

    def test_by_a_form_that_takes_anything_names_the_account_or_masks_what_was_typed(
        self, client, bob, log, monkeypatch, secrets
    ):
        secrets.learn("hunter2 is my password!")
        monkeypatch.setattr(forms.OwnView, "chosen", forms.TakesAnything)
        client.post("/own-reset/", {"email": "bob"})
        client.post("/own-reset/", {"email": "hunter2 is my password!"})

        at = "POST /own-reset/"
        assert log.new() == [requested(at, user=bob), requested(at, email=MASK)]

    def test_in_code_is_recorded_without_a_request(self, bob, log):
        form = PasswordResetForm({"email": "bob@example.org"})
        assert form.is_valid()
        form.save(domain_override="example.org")

        assert log.new() == [requested("", user=bob)]
        assert "get_users" not in form.__dict__

    def test_that_breaks_is_a_failure(self, bob, log):
        form = forms.Breaks({"email": "bob@example.org"})
        assert form.is_valid()
        with pytest.raises(ConnectionError):
            form.save(domain_override="example.org")

        assert log.new() == [failure("auth.password_reset.requested", user=bob)]


class TestLink:
    @pytest.fixture
    def link(self, client, bob, log):
        client.post(REQUEST, {"email": "bob@example.org"})
        log.forget()
        return re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]

    @pytest.fixture
    def masked(self, link):
        return f"{link.rpartition('/')[0].rpartition('/')[0]}/{MASK}/"

    @staticmethod
    def follow(client, link):
        form = client.get(link)
        assert form.status_code == 302
        return form.url

    def test_that_is_good_and_used_is_one_entry(self, client, bob, log, link, masked):
        form = self.follow(client, link)
        client.get(form)
        client.post(form, {"new_password1": NEW, "new_password2": NEW})

        [row] = log.new()
        assert row == success("auth.password_reset.completed", user=bob, at=f"POST {masked}")

    def test_that_signs_in_is_a_reset_and_a_login(
        self, client, bob, log, link, masked, monkeypatch
    ):
        monkeypatch.setattr(PasswordResetConfirmView, "post_reset_login", True)
        monkeypatch.setattr(PasswordResetConfirmView, "post_reset_login_backend", MODEL_BACKEND)
        form = self.follow(client, link)
        client.post(form, {"new_password1": NEW, "new_password2": NEW})

        assert log.new() == [
            success("auth.password_reset.completed", user=bob, at=f"POST {masked}"),
            success("auth.login.success", user=bob, actor=bob, at=f"POST {masked}"),
        ]

    def test_that_is_good_with_a_bad_password_is_nothing(self, client, log, link):
        form = self.follow(client, link)
        client.post(form, {"new_password1": NEW, "new_password2": "another"})

        assert log.new() == []

    def refused(self, at, user=None):
        return failure("auth.password_reset.failure", user=user, at=at, reason="invalid_link")

    def test_that_was_used_is_refused(self, client, bob, log, link, masked):
        form = self.follow(client, link)
        client.post(form, {"new_password1": NEW, "new_password2": NEW})
        log.forget()
        client.get(link)
        client.get(form)

        assert log.new() == [
            self.refused(f"GET {masked}", bob),
            self.refused(f"GET {masked}", bob),
        ]

    def test_that_has_expired_is_refused(self, client, bob, log, link, masked, settings):
        settings.PASSWORD_RESET_TIMEOUT = -1
        client.get(link)

        assert log.new() == [self.refused(f"GET {masked}", bob)]

    def test_that_was_altered_is_refused(self, client, bob, log, link, masked):
        client.get(f"{link[:-2]}x/")

        assert log.new() == [self.refused(f"GET {masked}", bob)]

    def test_is_refused_whatever_the_status(self, client, bob, log, link, masked):
        wrong = link.replace("/password/reset/", "/gone/")[:-2]
        assert client.get(f"{wrong}x/").status_code == 410

        at = masked.replace("/password/reset/", "/gone/")
        assert log.new() == [self.refused(f"GET {at}", bob)]

    def test_of_an_unknown_account_is_refused(self, client, log):
        client.get("/password/reset/OTk5OTk5/bx8kz1-6d5f8f9dd1c7a5e7a9/")

        assert log.new() == [self.refused(f"GET /password/reset/OTk5OTk5/{MASK}/")]

    def test_under_asgi_is_refused_and_used_all_the_same(
        self, async_client, bob, log, link, masked
    ):
        async_client.get(f"{link[:-2]}x/")
        form = self.follow(async_client, link)
        async_client.post(form, {"new_password1": NEW, "new_password2": NEW})

        assert log.new() == [
            self.refused(f"GET {masked}", bob),
            success("auth.password_reset.completed", user=bob, at=f"POST {masked}"),
        ]

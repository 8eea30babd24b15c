"""A user model without name and flags: a UUID, an address that signs in, and teams."""

import re

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate
from django.contrib.auth.models import Group
from django.core import mail

from django_authaudit import lookups
from django_authaudit.cleaning import MASK
from django_authaudit.reports import protection
from tests.plain_users.models import PlainUser
from tests.sources.recorded import MODEL_BACKEND, NEW, PASSWORD, WRONG, failure, success
from tests.views import acts

ADDRESS = "carol@example.org"


def typed(name, password=PASSWORD):
    return {"username": name, "password": password}


def refused(reason, at="POST /login/", **facts):
    return failure("auth.login.failure", at=at, reason=reason, **facts)


@pytest.fixture
def carol(log):
    user = PlainUser.objects.create_user(ADDRESS, PASSWORD)
    log.forget()
    return user


@pytest.fixture
def as_carol(client, carol, log):
    client.force_login(carol)
    log.forget()
    return client


def test_an_account_is_created_renamed_switched_off_and_deleted(log):
    carol = PlainUser.objects.create_user(ADDRESS, PASSWORD)
    pk = carol.pk
    carol.email = "caroline@example.org"
    carol.save()
    carol.is_active = False
    carol.save()
    carol.delete()
    carol.pk = pk

    names = {"old": ADDRESS, "new": "caroline@example.org"}
    assert log.new() == [
        success("account.created", user=carol, username=ADDRESS, email=ADDRESS),
        success("account.renamed", user=carol, **names),
        success("account.deactivated", user=carol),
        success("account.deleted", user=carol),
    ]


def test_logins_and_logouts_name_the_account(client, async_client, carol, log):
    for browser in (client, async_client):
        browser.post("/login/", typed(ADDRESS))
        browser.post("/logout/")

    entries = [
        success(
            "auth.login.success", user=carol, actor=carol, at="POST /login/", backend=MODEL_BACKEND
        ),
        success("auth.logout", user=carol, actor=carol, at="POST /logout/"),
    ]
    assert log.new() == entries * 2


def test_failures_name_the_account_or_the_typed_address(client, carol, log):
    client.post("/login/", typed(ADDRESS, WRONG))
    client.post("/login/", typed("nobody@example.org"))
    authenticate(email=ADDRESS, password=WRONG)
    authenticate(username=ADDRESS, password=WRONG)
    async_to_sync(aauthenticate)(email="nobody@example.org", password=WRONG)
    PlainUser.objects.update(is_active=False)
    client.post("/login/", typed(ADDRESS))

    nobody = {"username": "nobody@example.org"}
    assert log.new() == [
        refused("invalid_password", user=carol),
        refused("unknown_user", **nobody),
        refused("invalid_password", "", user=carol),
        refused("invalid_password", "", user=carol),
        refused("unknown_user", "", email="nobody@example.org", **nobody),
        refused("inactive", user=carol),
    ]


def test_a_typed_name_that_is_no_address_is_masked(client, log, secrets):
    secrets.learn("hunter2hunter2")
    client.post("/login/", typed("hunter2hunter2"))

    [row] = log.new()
    assert row["metadata"].pop("username_hash")
    assert row == refused("unknown_user", username=MASK)


def test_an_address_is_looked_up_only_where_the_model_has_one(log, monkeypatch):
    monkeypatch.setattr(PlainUser, "EMAIL_FIELD", "no_such_column", raising=False)
    authenticate(username="nobody@example.org", email="nobody@example.org", password=WRONG)

    assert lookups.email_field() == ""
    assert [row["metadata"] for row in log.new()] == [{"reason": "unknown_user"}]


def test_a_password_is_changed_by_its_owner(as_carol, carol, log):
    path = "/password/password_change/"
    as_carol.post(path, {"old_password": WRONG, "new_password1": NEW, "new_password2": NEW})
    as_carol.post(path, {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})

    facts = {"user": carol, "actor": carol, "at": f"POST {path}"}
    assert log.new() == [
        failure("auth.password.change_failure", reason="invalid_password", **facts),
        success("auth.password.changed", by="self", **facts),
    ]


def test_a_password_is_reset_by_the_link(client, carol, log):
    client.post("/password/password_reset/", {"email": ADDRESS})
    client.post("/password/password_reset/", {"email": "nobody@example.org"})
    link = re.search(r"http://testserver(\S+)", mail.outbox[0].body)[1]
    form = client.get(link).url
    client.post(form, {"new_password1": NEW, "new_password2": NEW})
    client.get(link)

    at = "POST /password/password_reset/"
    masked = f"/password/reset/{MASK}/{MASK}/"
    assert log.new() == [
        success("auth.password_reset.requested", user=carol, at=at),
        success("auth.password_reset.requested", email="nobody@example.org", at=at),
        success("auth.password_reset.completed", user=carol, at=f"POST {masked}"),
        failure(
            "auth.password_reset.failure", user=carol, at=f"GET {masked}", reason="invalid_link"
        ),
    ]


def test_roles_are_followed_whatever_the_field_is_called(carol, log):
    editors = Group.objects.create(name="editors")
    carol.teams.add(editors)
    carol.friends.add(PlainUser.objects.create_user("dave@example.org"))
    log.forget()
    editors.plainuser_set.clear()
    carol.teams.add(editors)
    pk = carol.pk
    carol.delete()
    carol.pk = pk

    role = {"kind": "group", "name": "editors"}
    assert log.new() == [
        success("authz.role.revoked", user=carol, role=role),
        success("authz.role.granted", user=carol, role=role),
        success("account.deleted", user=carol, roles=[role]),
    ]


def test_what_an_account_does_names_it_as_the_actor(as_carol, carol, log):
    acts["create"] = lambda request: Group.objects.create(name="editors") and None
    as_carol.get("/act/create/")

    assert log.new() == [
        success("authz.group.created", actor=carol, at="GET /act/create/", group="editors")
    ]


def test_bulk_updates_are_compared_row_by_row(carol, log, settings):
    settings.AUTHAUDIT_TRACK_QUERYSET_UPDATES = True
    PlainUser.objects.update(is_active=False)

    assert log.new() == [success("account.deactivated", user=carol)]


@pytest.mark.django_db
def test_nobody_is_named_as_a_reader_of_the_log_where_no_account_has_permissions(carol):
    assert protection.collect(using="default").readers == ()

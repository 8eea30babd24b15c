"""What the documentation says cannot be seen, is not: the page stays as true as the others."""

import json
import sys
from types import ModuleType

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection, transaction
from django.http import HttpResponse, HttpResponseForbidden, StreamingHttpResponse
from django.test import TestCase

from django_authaudit.testing import capture_entries

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob():
    return User.objects.create_user("bob", "bob@example.com", "right")


@pytest.fixture
def entries(bob):
    with capture_entries() as entries:
        yield entries


def test_update_and_bulk_update_are_not_seen(entries, bob):
    User.objects.update(is_superuser=True)
    bob.is_active = False
    User.objects.bulk_update([bob], ["is_active"])

    assert entries == []


def test_update_and_bulk_update_are_seen_row_by_row_with_the_option(entries, bob, settings):
    settings.AUTHAUDIT_TRACK_QUERYSET_UPDATES = True

    User.objects.update(is_superuser=True)
    bob.is_active = False
    User.objects.bulk_update([bob], ["is_active"])

    assert entries.events == ["authz.role.granted", "account.deactivated"]


def test_bulk_create_is_not_seen(entries):
    User.objects.bulk_create([User(username="ann", is_superuser=True)])

    assert entries == []


def test_what_loaddata_loads_is_not_seen(entries, tmp_path):
    fixture = tmp_path / "users.json"
    ann = {"model": "auth.user", "pk": 99, "fields": {"username": "ann", "password": "!"}}
    fixture.write_text(json.dumps([ann]))

    call_command("loaddata", str(fixture), verbosity=0)

    assert User.objects.filter(username="ann").exists()
    assert entries == []


def test_a_row_written_into_the_table_of_memberships_is_not_seen(bob):
    editors = Group.objects.create(name="editors")

    with capture_entries() as entries:
        User.groups.through.objects.create(user=bob, group=editors)

    assert entries == []


def test_raw_sql_is_not_seen(entries, bob):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE auth_user SET is_superuser = %s WHERE id = %s", [True, bob.pk])

    assert entries == []


def test_other_columns_of_the_user_model_are_not_seen(entries, bob):
    bob.first_name = "Robert"
    bob.save()

    assert entries == []


def test_a_login_over_anothers_session_does_not_end_it_in_the_log(client, bob):
    User.objects.create_user("ann", password="right")
    client.post("/login/", {"username": "bob", "password": "right"})

    with capture_entries() as entries:
        client.post("/login/", {"username": "ann", "password": "right"})

    assert entries.events == ["auth.login.success"]


class BrokenBackend:
    def authenticate(self, request, **credentials):
        raise ConnectionError("The directory is away.")


class RefusingMiddleware:
    def __init__(self, get_response):
        pass

    def __call__(self, request):
        return HttpResponseForbidden()


@pytest.fixture
def importable(monkeypatch):
    """Return a function that gives a class a path under which settings can name it."""
    module = ModuleType("limits_of_tests")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def place(found):
        setattr(module, found.__name__, found)
        return f"{module.__name__}.{found.__name__}"

    return place


def test_a_backend_that_raises_leaves_no_entry(client, entries, settings, importable):
    settings.AUTHENTICATION_BACKENDS = [importable(BrokenBackend)]
    client.raise_request_exception = False

    response = client.post("/login/", {"username": "bob", "password": "right"})

    assert response.status_code == 500
    assert entries == []


def test_what_middleware_outside_ours_refuses_is_not_seen(client, entries, settings, importable):
    settings.MIDDLEWARE = [importable(RefusingMiddleware), *settings.MIDDLEWARE]

    assert client.get("/").status_code == 403
    assert entries == []


def test_a_refusal_within_a_streaming_body_is_not_seen(act, entries):
    def body():
        yield b"so far so good"
        raise PermissionDenied

    response = act(lambda request: StreamingHttpResponse(body()))

    with pytest.raises(PermissionDenied):
        list(response.streaming_content)
    assert entries == []


def test_a_view_that_catches_its_refusal_is_not_seen(act, entries):
    def view(request):
        try:
            raise PermissionDenied
        except PermissionDenied:
            return HttpResponse("never mind")

    act(view)

    assert entries == []


@pytest.mark.parametrize("path", ["/bad-request/", "/nowhere/", "/members/"])
def test_ordinary_answers_are_nothing(client, entries, path):
    client.get(path)

    assert entries == []


def test_every_refusal_of_a_flood_is_a_row(client, rows):
    for _ in range(50):
        client.get("/forbidden/")

    assert len(rows("authz.forbidden")) == 50


class CallbackTests(TestCase):
    def test_a_change_in_a_transaction_adds_a_callback(self):
        with self.captureOnCommitCallbacks() as callbacks, transaction.atomic():
            User.objects.create_user("ann")

        assert len(callbacks) == 1

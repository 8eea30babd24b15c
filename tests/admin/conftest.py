"""Readers of the log, and entries of any time in it, written as the package writes them."""

import re
import secrets
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections, router
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_authaudit import events
from django_authaudit.entry import first_id_at, make_entry
from django_authaudit.models import AuditLog
from django_authaudit.sinks.database import DatabaseSink

LIST = "/admin/django_authaudit/auditlog/"
NOON = datetime(2026, 7, 1, 12, 0, tzinfo=timezone.utc)
"""Noon in UTC is 14:00 in the time zone of the tests."""


def detail(entry):
    """Return the address of the page of `entry`."""
    return f"{LIST}{entry.pk}/change/"


def row(event="auth.logout", *, at=NOON, **values):
    """Return an entry of the moment `at`, stored."""
    entry_id = UUID(int=first_id_at(at).int | secrets.randbits(62))
    values.setdefault("outcome", events.get(event).outcome)
    DatabaseSink().emit([make_entry(id=entry_id, event=event, **values)])
    return AuditLog.objects.get(pk=entry_id)


def rows(number, event="auth.logout", *, start=NOON, **values):
    """Store `number` entries, one a second from `start`."""
    for n in range(number):
        row(event, at=start + timedelta(seconds=n), **values)


def names(response):
    """Return the user names of the rows that the list shows."""
    assert response.status_code == 200
    return [entry.username for entry in response.context["cl"].result_list]


def text(response):
    """Return what a reader sees of the page."""
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def cell(response, column):
    """Return the HTML of the first row's cell in `column`."""
    found = re.search(
        rf'<t[dh] class="field-{column}[^"]*">(.*?)</t[dh]>', response.content.decode(), re.DOTALL
    )
    return found[1] if found else ""


def empty_the_log():
    """Forget what creating and signing in the reader has recorded."""
    alias = router.db_for_write(AuditLog)
    AuditLog.objects.using(alias).all()._raw_delete(alias)


@pytest.fixture(autouse=True)
def unwatched(monkeypatch, request):
    """Looking is recorded too, and would be among what is looked at: test_viewed.py has that."""
    if "watched" not in request.fixturenames:
        monkeypatch.setattr("django_authaudit.admin.auditlog.record_view", lambda *args: None)


@pytest.fixture
def watched():
    """Have looks recorded."""


@pytest.fixture
def bob(db):
    return User.objects.create_user("bob", "bob@example.com", "right")


@pytest.fixture
def alice(db):
    return User.objects.create_user("alice", "alice@example.com", "right")


def reader_of(client, user):
    client.force_login(user)
    empty_the_log()
    return client


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("root", "root@example.com", "right")


@pytest.fixture
def reader(superuser, bob, alice):
    """A superuser's client, and an empty log."""
    return reader_of(Client(), superuser)


@pytest.fixture
def auditor(db, bob, alice):
    """The client of one who may see the log and nothing else, and an empty log."""
    user = User.objects.create_user("auditor", "auditor@example.com", "right", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_auditlog"))
    return reader_of(Client(), user)


@pytest.fixture
def queries():
    """Return a context that captures the statements on the table of the log."""

    class Captured(CaptureQueriesContext):
        @property
        def of_the_log(self):
            table = AuditLog._meta.db_table
            return [q["sql"] for q in self.captured_queries if table in q["sql"]]

    return lambda: Captured(connections[router.db_for_read(AuditLog)])

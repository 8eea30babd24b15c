"""Functions for pytest that did not ask for the database."""

from django.contrib.auth.signals import user_login_failed

from django_authaudit import record
from django_authaudit.testing import capture_entries


def test_a_refusal_is_answered(client):
    with capture_entries() as entries:
        assert client.get("/staff/").status_code == 403

    assert entries.events == ["authz.forbidden"]


async def test_an_async_refusal_is_answered(async_client):
    with capture_entries() as entries:
        assert (await async_client.get("/astaff/")).status_code == 403

    assert entries.events == ["authz.forbidden"]


def test_a_project_records_events_of_its_own():
    with capture_entries() as entries:
        record("auth.logout", username="bob")

    assert entries.events == ["auth.logout"]


def test_a_failure_that_cannot_be_explained_is_noted_all_the_same():
    with capture_entries() as entries:
        user_login_failed.send(__name__, credentials={"username": "bob"}, request=None)

    assert entries.events == ["auth.login.failure"]


def test_the_database_is_asked_for_and_given(db, client):
    from django_authaudit.models import AuditLog

    client.get("/staff/")

    assert [row.event for row in AuditLog.objects.all()] == ["authz.forbidden"]

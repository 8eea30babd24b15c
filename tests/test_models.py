import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core import serializers
from django.db import connection
from django.utils import timezone

from django_authaudit import models, record
from django_authaudit.exceptions import ReadOnlyError
from django_authaudit.models import AuditLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob():
    return User.objects.create_user("bob", "bob@example.com", "right")


@pytest.fixture
def row(bob):
    return AuditLog.objects.get()


def test_a_stored_entry_is_never_saved_again(row):
    row.username = "mallory"
    with pytest.raises(ReadOnlyError):
        row.save()
    assert AuditLog.objects.get().username == "bob"


def test_a_stored_entry_is_never_deleted(row):
    with pytest.raises(ReadOnlyError):
        row.delete()
    assert AuditLog.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.update(username="mallory"),
        lambda rows: rows.bulk_update(list(rows), ["username"]),
        lambda rows: rows.bulk_create(
            list(rows), update_conflicts=True, update_fields=["username"], unique_fields=["id"]
        ),
        lambda rows: rows.bulk_create(list(rows), None, False, True, ["username"], ["id"]),
        lambda rows: rows.delete(),
    ],
    ids=["update", "bulk_update", "bulk_create", "bulk_create by place", "delete"],
)
def test_a_queryset_never_changes_entries(row, change):
    with pytest.raises(ReadOnlyError):
        change(AuditLog.objects.all())


def test_a_manager_has_no_delete():
    assert not hasattr(AuditLog.objects, "delete")


def test_a_new_entry_can_be_saved_once_only(row):
    copy = AuditLog(event="auth.logout", outcome="success", created_at=timezone.now())
    copy.save()
    assert AuditLog.objects.count() == 2
    copy = AuditLog(pk=row.pk, event="x.y", outcome="success", created_at=timezone.now())
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"), _savepoint():
        copy.save()


def _savepoint():
    from django.db import transaction

    return transaction.atomic()


def test_deleting_a_user_changes_no_row(bob, row):
    before = list(AuditLog.objects.filter(pk=row.pk).values())
    bob.delete()
    assert list(AuditLog.objects.filter(pk=row.pk).values()) == before


def test_a_row_says_what_happened_to_whom(row):
    assert str(row) == f"{row.created_at:%Y-%m-%d %H:%M:%S} account.created bob"
    assert row.event_label == "Account created"
    row.event = "gone.integration"
    assert row.event_label == "gone.integration"


def test_the_time_of_a_row_is_the_time_in_its_id(row):
    assert row.created_at.microsecond % 1000 == 0
    assert row.id.int >> 80 == int(row.created_at.timestamp() * 1000 + 0.5)


def test_the_only_unique_constraint_is_the_key():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, AuditLog._meta.db_table)
    keys = {tuple(c["columns"]) for c in found.values() if c["unique"] or c["primary_key"]}
    assert keys == {("id",)}
    assert not any(c["foreign_key"] for c in found.values())


def test_a_row_survives_dumpdata_and_loaddata(row):
    before = AuditLog.objects.values().get()
    dumped = serializers.serialize("json", AuditLog.objects.all())
    AuditLog.objects.all()._raw_delete("default")
    for restored in serializers.deserialize("json", dumped):
        restored.save()
    assert AuditLog.objects.values().get() == before


def test_the_log_answers_who_where_when_and_what_failed(bob, client):
    start = timezone.now() - timedelta(minutes=1)
    client.post("/login/", {"username": "bob", "password": "wrong"}, REMOTE_ADDR="203.0.113.9")
    client.post("/login/", {"username": "bob", "password": "right"}, REMOTE_ADDR="203.0.113.8")
    log = AuditLog.objects.order_by("id")
    events = ["account.created", "auth.login.failure", "auth.login.success"]
    assert [row.event for row in log.for_user(bob)] == events
    assert [row.event for row in log.for_user(bob.pk)] == events
    assert [row.event for row in log.by_actor(bob)] == events[2:]
    assert [row.event for row in log.for_ip("203.0.113.9")] == events[1:2]
    assert [row.event for row in log.failed()] == events[1:2]
    assert [row.event for row in log.of_event(events[0])] == events[:1]
    assert log.between(start, timezone.now() + timedelta(minutes=1)).count() == 3
    assert log.since(start).count() == 3
    assert log.older_than(start).count() == 0
    assert log.older_than(timezone.now() + timedelta(minutes=1)).count() == 3


def test_ids_sort_by_time_in_every_database():
    for number in range(300):
        record("auth.logout", username=str(number))
    rows = list(AuditLog.objects.order_by("id").values_list("username", flat=True))
    assert rows == [str(number) for number in range(300)]
    middle = AuditLog.objects.get(username="150")
    assert AuditLog.objects.filter(id__lt=middle.id).count() == 150
    assert AuditLog.objects.filter(id__lt=uuid.UUID(int=0)).count() == 0


def test_what_is_kept_beside_the_log_has_a_name_to_be_known_by():
    shipment = models.AuditShipment(sink="siem")
    writer = uuid.UUID(int=1)
    assert str(shipment) == "siem"
    assert str(models.AuditShipmentWriter(shipment=shipment, writer=writer)) == f"siem: {writer}"
    rejection = models.AuditShipmentRejection(shipment=shipment, entry=writer)
    assert str(rejection) == f"siem: {writer}"
    assert str(models.AuditHold(pk=7, reason="Lawsuit 7/26")) == "7 Lawsuit 7/26"
    assert str(models.AuditSeal(number=3, kind="sealed")) == "3 sealed"
    assert str(models.SealedRun(writer=writer, first=1, last=9)) == f"{writer} 1-9"

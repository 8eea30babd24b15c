"""That somebody looked is recorded: once for each viewer, object and quarter of an hour."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_authaudit.admin import viewed
from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, detail, reader_of, row

pytestmark = pytest.mark.usefixtures("watched")


def looks():
    found = AuditLog.objects.of_event("audit.viewed").order_by("pk")
    return [(entry.actor_username, entry.metadata["viewed"]) for entry in found]


def test_looking_at_the_list_an_entry_and_an_account_is_recorded(reader, bob):
    entry = row(username="bob")

    reader.get(LIST)
    reader.get(detail(entry))
    reader.get(f"{LIST}investigate/account/?of={bob.pk}")

    assert looks() == [
        ("root", {"kind": "list"}),
        ("root", {"kind": "entry", "name": str(entry.pk)}),
        ("root", {"kind": "account", "name": str(bob.pk)}),
    ]
    look = AuditLog.objects.of_event("audit.viewed").first()
    assert (look.ip_address, look.path) == ("127.0.0.1", LIST)


def test_looking_again_is_no_other_look(reader, bob):
    for _ in range(3):
        reader.get(LIST, {"event": "auth.logout"})
        reader.get(f"{LIST}investigate/account/?of={bob.pk}")

    assert len(looks()) == 2


def test_another_viewer_is(reader, auditor):
    reader.get(LIST)
    auditor.get(LIST)

    assert [name for name, _ in looks()] == ["root", "auditor"]


def test_a_look_a_quarter_of_an_hour_later_is(reader, superuser):
    row(
        "audit.viewed",
        at=timezone.now() - viewed.ONCE_IN - timedelta(seconds=1),
        actor_id=superuser.pk,
        actor_username="root",
        metadata={"viewed": {"kind": "list"}},
    )

    reader.get(LIST)

    assert len(looks()) == 2


def test_what_is_refused_or_not_there_was_not_looked_at(db, reader, client, alice):
    alice.is_staff = True
    alice.save()
    reader_of(client, alice)

    client.get(LIST)
    reader.get(f"{LIST}01890a5d-ac96-774b-bcce-b302099a8057/change/")
    reader.get(f"{LIST}investigate/address/?of=nonsense")

    assert looks() == []

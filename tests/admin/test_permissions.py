import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission, User
from django.test import Client

from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, detail, reader_of, row


def test_a_superuser_sees_list_and_detail(reader):
    entry = row()

    assert reader.get(LIST).status_code == 200
    assert reader.get(detail(entry)).status_code == 200


def test_the_view_permission_is_enough(auditor):
    entry = row()

    assert auditor.get(LIST).status_code == 200
    assert auditor.get(detail(entry)).status_code == 200


def test_staff_without_the_permission_see_nothing(db):
    staff = User.objects.create_user("staff", "", "right", is_staff=True)
    client = reader_of(Client(), staff)
    entry = row()

    assert client.get(LIST).status_code == 403
    assert client.get(detail(entry)).status_code == 403
    assert "django_authaudit" not in client.get("/admin/").content.decode()


def test_strangers_are_sent_to_sign_in(db):
    response = Client().get(LIST)

    assert response.status_code == 302
    assert response.url.startswith("/admin/login/")


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("action", ["add", "delete"])
def test_not_even_a_superuser_adds_or_deletes(reader, method, action):
    entry = row()
    path = LIST + ("add/" if action == "add" else f"{entry.pk}/delete/")

    response = getattr(reader, method)(path, {"post": "yes", "event": "auth.logout"})

    assert response.status_code == 403
    assert AuditLog.objects.filter(pk=entry.pk).exists()


@pytest.mark.parametrize("data", [{"event": "x.y"}, {"_saveasnew": "1"}, {"username": "mallory"}])
def test_not_even_a_superuser_changes(reader, data):
    entry = row(username="bob")

    response = reader.post(detail(entry), data)

    assert response.status_code == 403
    stored = AuditLog.objects.get(pk=entry.pk)
    assert (stored.event, stored.username) == ("auth.logout", "bob")


def test_no_action_reaches_the_entries(reader):
    entry = row()
    data = {"action": "delete_selected", "_selected_action": [str(entry.pk)], "post": "yes"}

    response = reader.post(LIST, data)

    assert AuditLog.objects.filter(pk=entry.pk).exists()
    assert "action-select" not in response.content.decode()


def test_an_entry_has_no_history_and_no_buttons_but_close(reader):
    entry = row()
    page = reader.get(detail(entry)).content.decode()

    assert reader.get(f"{LIST}{entry.pk}/history/").status_code == 404
    assert "history" not in page
    assert 'type="submit" value="Save' not in page
    assert "closelink" in page


@pytest.mark.django_db
def test_no_permissions_but_to_view_and_to_export_exist():
    codes = Permission.objects.filter(content_type__app_label="django_authaudit")

    assert {p.codename for p in codes.filter(content_type__model="auditlog")} == {
        "view_auditlog",
        "export_auditlog",
    }


def test_the_index_offers_to_view_only(auditor):
    page = auditor.get("/admin/").content.decode()

    assert "viewlink" in page
    assert f"{LIST}add/" not in page
    assert site.is_registered(AuditLog)


def test_an_entry_that_is_gone_is_said_to_be(reader):
    response = reader.get(f"{LIST}01890a5d-ac96-774b-bcce-b302099a8057/change/", follow=True)

    assert "Perhaps it was deleted?" in response.content.decode()


@pytest.mark.parametrize("key", ["garbage", "%00", "a" * 5000])
def test_a_key_that_is_none_is_no_error(reader, key):
    assert reader.get(f"{LIST}{key}/change/").status_code == 302

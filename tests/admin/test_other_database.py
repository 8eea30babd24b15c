"""The admin follows the log to a database of its own."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, detail, names, reader_of, row, text

pytestmark = pytest.mark.django_db(databases=["default", "audit"])


@pytest.fixture
def elsewhere(settings):
    settings.AUTHAUDIT_DATABASE = "audit"
    settings.DATABASE_ROUTERS = ["django_authaudit.routers.AuditRouter"]


def test_list_search_filters_and_detail_read_that_database(elsewhere):
    root = User.objects.create_superuser("root", "root@example.com", "right")
    bob = User.objects.create_user("bob", "bob@example.com", "right")
    reader = reader_of(Client(), root)
    entry = row(username="bob", user_id=bob.pk, actor_id=root.pk, request_id="r")

    assert AuditLog.objects.using("audit").count() == 1
    assert AuditLog.objects.using("default").filter(pk=entry.pk).count() == 0
    for parameters in ({}, {"q": "bob"}, {"user_id": bob.pk}, {"request_id": "r"}):
        assert names(reader.get(LIST, parameters)) == ["bob"]
    page = text(reader.get(detail(entry)))
    assert page.count("The account") == 2

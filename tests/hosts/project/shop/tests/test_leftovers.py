"""A test that ends with a rollback leaves nothing to the next one."""

from contextlib import suppress

from django.contrib.auth.models import User
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from django_authaudit.models import AuditLog


class UndoError(Exception):
    """Leaves a block, so that what was done there is undone."""


class Shared:
    """The tests run in the order of their names."""

    def test_1_ends_with_a_rollback(self):
        with suppress(UndoError), transaction.atomic():
            User.objects.create_user("bob")
            raise UndoError

    def test_2_finds_nothing_of_it(self):
        self.client.get("/staff/")

        assert [row.event for row in AuditLog.objects.order_by("id")] == ["authz.forbidden"]


class InATestCase(Shared, TestCase):
    pass


class InATransactionTestCase(Shared, TransactionTestCase):
    pass

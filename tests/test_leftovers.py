"""What one test leaves behind is nothing to the next. Each class runs one test twice."""

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.test import TestCase, TransactionTestCase

from django_authaudit import events, record, recorder
from django_authaudit.drafts import Draft
from django_authaudit.models import AuditLog


class LeavesARollbackBehind:
    def run_once(self):
        record("auth.logout", username="mine")
        self.assertEqual(list(AuditLog.objects.values_list("username", flat=True)), ["mine"])
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            User.objects.create_user("left")
            raise ZeroDivisionError
        rolled_back = AuditLog.objects.get(event="account.created")
        self.assertEqual(rolled_back.outcome, "failure")

    def test_once(self):
        self.run_once()

    def test_twice(self):
        self.run_once()


class InTestCaseTests(LeavesARollbackBehind, TestCase):
    def test_a_state_change_is_visible_inside_the_block(self):
        with transaction.atomic():
            User.objects.create_user("bob")
            self.assertEqual(AuditLog.objects.get().outcome, "success")
        self.assertEqual(AuditLog.objects.count(), 1)

    def test_what_is_written_in_a_block_that_is_rolled_back_is_written_again(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            with transaction.atomic():
                User.objects.create_user("left")
                transaction.set_rollback(True)
            record("auth.logout", username="mine")
            raise ZeroDivisionError
        found = AuditLog.objects.order_by("id").values_list("username", "outcome")
        self.assertEqual(list(found), [("left", "failure"), ("mine", "success")])


class InTransactionTestCaseTests(LeavesARollbackBehind, TransactionTestCase):
    def run_once(self):
        super().run_once()
        # As a coroutine does whose loop ends before it is written.
        recorder._leave_to_safe_point(Draft(events.get("auth.logout"), username="left"))


@pytest.mark.django_db(transaction=True)
def test_migrating_forgets_nothing():
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            record("auth.logout")
            raise ZeroDivisionError
        call_command("migrate", verbosity=0)
    assert AuditLog.objects.filter(event="auth.logout").count() == 1

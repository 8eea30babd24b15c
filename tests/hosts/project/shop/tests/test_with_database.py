"""Tests that use the database: entries are seen, and each test starts from what it made itself.

The tests of a class run in the order of their names, so that each would find what the one before
it left behind.
"""

from contextlib import suppress
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test import LiveServerTestCase, TestCase, TransactionTestCase
from django.test.utils import CaptureQueriesContext

from django_authaudit.models import AuditLog
from django_authaudit.testing import assert_recorded, capture_entries


class UndoError(Exception):
    """Leaves a block, so that what was done there is undone."""


def log():
    """Return what was recorded: event, outcome, and whether it was rolled back."""
    return [
        (row.event, row.outcome, row.metadata.get("rolled_back", False))
        for row in AuditLog.objects.order_by("id")
    ]


CREATED = ("account.created", "success", False)
SIGNED_IN = ("auth.login.success", "success", False)
REFUSED = ("authz.forbidden", "failure", False)
MADE_STAFF = ("authz.role.granted", "success", False)
NOT_MADE_STAFF = ("authz.role.granted", "failure", True)


class Shared:
    """What holds with and without a transaction around the test."""

    def sign_in(self, password="right"):
        return self.client.post("/login/", {"name": "bob", "password": password})

    def make_staff(self, then=None):
        with suppress(UndoError), transaction.atomic():
            self.bob.is_staff = True
            self.bob.save()
            if then is not None:
                raise then

    def test_1_entries_are_seen(self):
        self.sign_in()
        self.client.get("/staff/")

        assert log() == [CREATED, SIGNED_IN, REFUSED]

    def test_2_nothing_of_the_last_test_is_left(self):
        assert log() == [CREATED]
        self.client.get("/staff/")

        assert log() == [CREATED, REFUSED]

    def test_3_a_change_in_a_block_reads_as_done(self):
        self.make_staff()

        assert log() == [CREATED, MADE_STAFF]

    def test_4_a_change_that_was_rolled_back_reads_so(self):
        self.make_staff(then=UndoError)
        self.client.get("/staff/")

        assert log() == [CREATED, NOT_MADE_STAFF, REFUSED]

    def test_5_a_view_changes_a_state_in_a_block(self):
        self.client.force_login(self.bob)
        self.client.post("/join/")

        events = [event for event, *_ in log()]
        assert events == [
            "account.created",
            "auth.login.success",
            "authz.group.created",
            "authz.role.granted",
        ]

    def test_6_the_helpers_agree_with_the_table(self):
        with capture_entries() as entries:
            self.sign_in("wrong")

        reason = {"reason": "invalid_password"}
        seen = assert_recorded("auth.login.failure", entries=entries, metadata=reason)
        assert assert_recorded("auth.login.failure", user=self.bob, metadata=reason).id == seen.id

    def test_7_the_same_request_asks_the_same_queries(self):
        counts = []
        for _ in range(3):
            with CaptureQueriesContext(
                connection,
            ) as queries:
                self.client.get("/staff/")
            counts.append(len(queries))
        assert counts == [self.queries_of_an_entry] * 3

        with self.assertNumQueries(0):
            self.client.get("/")


class InATestCase(Shared, TestCase):
    # A savepoint around the INSERT: an error of ours must not spoil the test's transaction.
    queries_of_an_entry = 3

    @classmethod
    def setUpTestData(cls):
        cls.bob = User.objects.create_user("bob", password="right")

    def test_a_change_is_seen_inside_its_block(self):
        with transaction.atomic():
            self.bob.is_staff = True
            self.bob.save()
            assert log() == [CREATED, MADE_STAFF]

        assert log() == [CREATED, MADE_STAFF]

    def test_captured_callbacks_run_once_and_so_does_the_log(self):
        ran = []
        with self.captureOnCommitCallbacks(execute=True), transaction.atomic():
            self.bob.is_staff = True
            self.bob.save()
            transaction.on_commit(lambda: ran.append(True))
        self.client.get("/staff/")

        assert ran == [True]
        assert log() == [CREATED, MADE_STAFF, REFUSED]

    def test_captured_callbacks_are_the_project_s_own_and_one_for_each_change(self):
        self.client.force_login(self.bob)
        with self.captureOnCommitCallbacks() as callbacks:
            self.client.post("/join/")

        ours = [call for call in callbacks if call.__module__.startswith("django_authaudit.")]
        assert len(callbacks) == 1 + len(ours)
        assert len(ours) == len(["authz.group.created", "authz.role.granted"])

    async def test_async_clients_are_seen(self):
        await self.async_client.get("/astaff/")

        found = [row.event async for row in AuditLog.objects.order_by("id")]
        assert found == ["account.created", "authz.forbidden"]


class InATransactionTestCase(Shared, TransactionTestCase):
    queries_of_an_entry = 1

    def setUp(self):
        self.bob = User.objects.create_user("bob", password="right")

    def test_a_change_is_seen_after_its_block(self):
        with transaction.atomic():
            self.bob.is_staff = True
            self.bob.save()
            assert log() == [CREATED]

        assert log() == [CREATED, MADE_STAFF]

    async def test_async_clients_are_seen(self):
        await self.async_client.get("/astaff/")

        found = [row.event async for row in AuditLog.objects.order_by("id")]
        assert found == ["account.created", "authz.forbidden"]


class OnALiveServer(LiveServerTestCase):
    def get(self, path):
        try:
            build_opener(ProxyHandler({})).open(self.live_server_url + path).close()
        except HTTPError as error:
            error.close()

    def test_1_entries_are_seen(self):
        self.get("/staff/")

        assert log() == [REFUSED]

    def test_2_nothing_of_the_last_test_is_left(self):
        assert log() == []


class ManyInSetUp(TestCase):
    def setUp(self):
        self.editors = Group.objects.create(name="editors")

    def test_a_group_is_recorded(self):
        assert log() == [("authz.group.created", "success", False)]

    def test_a_group_is_recorded_again(self):
        assert log() == [("authz.group.created", "success", False)]

"""A coroutine without a request records, and leaves nothing to the next test."""

import asyncio

from django.test import TestCase

from django_authaudit import arecord, record
from django_authaudit.models import AuditLog
from django_authaudit.testing import capture_entries


class InATestCase(TestCase):
    async def test_1_a_coroutine_records(self):
        with capture_entries() as entries:
            record("auth.logout", username="bob")
            # The thread that may query is told of it in the loop's next turn.
            await asyncio.sleep(0)
            assert await AuditLog.objects.acount() == 1

        assert entries.events == ["auth.logout"]

    async def test_1_a_coroutine_awaits(self):
        with capture_entries() as entries:
            await arecord("auth.logout", username="bob")

        assert entries.events == ["auth.logout"]

    def test_2_finds_nothing_of_it(self):
        self.client.get("/staff/")

        assert [row.event for row in AuditLog.objects.all()] == ["authz.forbidden"]

"""Tests to which the database is forbidden: nothing of theirs fails, and nothing is kept."""

from django.contrib.auth.signals import user_login_failed
from django.test import SimpleTestCase

from django_authaudit import record
from django_authaudit.testing import assert_recorded, capture_entries


class InASimpleTestCase(SimpleTestCase):
    def test_a_refusal_is_answered(self):
        with capture_entries() as entries:
            assert self.client.get("/staff/").status_code == 403

        assert_recorded("authz.forbidden", entries=entries, path="/staff/")

    async def test_an_async_refusal_is_answered(self):
        with capture_entries() as entries:
            assert (await self.async_client.get("/astaff/")).status_code == 403

        assert_recorded("authz.forbidden", entries=entries, path="/astaff/")

    def test_a_project_records_events_of_its_own(self):
        with capture_entries() as entries:
            record("auth.logout", username="bob")

        assert_recorded("auth.logout", entries=entries, username="bob")

    def test_a_failure_that_cannot_be_explained_is_noted_all_the_same(self):
        with capture_entries() as entries:
            user_login_failed.send(__name__, credentials={"username": "bob"}, request=None)

        assert entries.events == ["auth.login.failure"]

"""The numbers behind a report."""

from datetime import datetime, timedelta, timezone

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection

from django_authaudit import hardening, record, spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.exceptions import TamperedError
from django_authaudit.models import AuditLog
from django_authaudit.reports import activity, coverage, health, inventory, protection
from tests.admin.conftest import row

pytestmark = pytest.mark.django_db


class TestCoverage:
    def found(self):
        return {event.code: event for event in coverage.collect(using="default").events}

    def test_an_event_that_can_be_recorded_is_covered_before_it_was_seen(self):
        event = self.found()["auth.logout"]
        assert (event.obstacle, event.seen, event.last) == ("", 0, None)
        assert coverage.collect(using="default").missing == ()

    def test_an_event_that_could_never_be_recorded_counts_as_missing(self, settings):
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
        found = coverage.collect(using="default")
        assert "authz.forbidden" in [event.code for event in found.missing]
        assert "are logged with timestamp and user ID" in found.sentence
        assert found.sentence.endswith(
            f"are not: {', '.join(event.code for event in found.missing)}."
        )

    def test_what_was_seen_is_counted_with_its_last_time(self, rows):
        for _ in range(3):
            record("auth.logout", username="bob")
        record("billing.card_changed")
        found = self.found()
        assert (found["auth.logout"].seen, found["billing.card_changed"].seen) == (3, 1)
        assert found["auth.logout"].last == rows("auth.logout")[-1].created_at

    def test_the_logs_own_events_are_no_auth_events(self):
        record("audit.pruned")
        assert not [code for code in self.found() if code.startswith("audit.")]


class TestHealth:
    def test_tells_what_was_lost_replayed_waits_and_was_set_aside(self, spool_dir, rows):
        record("audit.write_failed", metadata={"lost": 2})
        record("audit.write_failed", metadata={"lost": 3})
        record("audit.spool_replayed", metadata={"stored": 7})
        record("audit.pruned")
        entry = make_entry(id=new_id(), event="auth.logout", outcome="success")
        spool.append("default", [entry])
        (path,) = spool_dir.iterdir()
        path.with_suffix(".rejected").write_text("")
        found = health.collect(using="default")
        assert (found.entries_lost, found.entries_replayed) == (5, 7)
        assert (found.spool_files, found.rejected_files) == (1, 1)
        assert found.spool_folder == str(spool_dir)
        (pruned,) = rows("audit.pruned")
        assert found.last_pruned == found.last_entry == pruned.created_at

    def test_counts_nothing_of_what_an_edited_row_says(self):
        record("audit.write_failed", metadata={"lost": 2})
        record("audit.write_failed", metadata={"lost": "many"})
        assert health.collect(using="default").entries_lost == 2

    def test_of_an_empty_log_says_never(self):
        found = health.collect(using="default")
        assert (found.last_entry, found.last_pruned, found.last_sealed) == (None, None, None)

    def test_says_which_settings_weaken_the_log(self, settings):
        before = set(health.collect(using="default").weaknesses)
        settings.AUTHAUDIT_RETENTION_DAYS = 30
        (found,) = set(health.collect(using="default").weaknesses) - before
        assert found.id.startswith("django_authaudit.W")
        assert "30" in found.message

    def test_leaves_out_what_the_project_has_silenced(self, settings):
        settings.AUTHAUDIT_RETENTION_DAYS = 30
        found = health.collect(using="default").weaknesses
        settings.SILENCED_SYSTEM_CHECKS = [weakness.id for weakness in found]
        assert health.collect(using="default").weaknesses == ()


class TestActivity:
    SINCE = datetime(2026, 3, 1, tzinfo=timezone.utc)
    UNTIL = SINCE + timedelta(days=3)

    def activity(self):
        return activity.collect(self.SINCE, self.UNTIL, using="default")

    def at(self, event, days=0.0, **values):
        row(event, at=self.SINCE + timedelta(days=days), **values)

    def test_counts_per_day_and_outcome(self):
        self.at("auth.login.success")
        self.at("auth.login.failure", 0.5, outcome="failure")
        self.at("auth.login.failure", 0.6, outcome="failure")
        self.at("auth.logout", 2.99)
        found = self.activity()
        assert [(day.day.day, day.success, day.failure) for day in found.days] == [
            (1, 1, 2),
            (3, 1, 0),
        ]
        assert found.total == 4

    def test_leaves_out_what_lies_outside_and_the_logs_own_events(self):
        self.at("auth.login.success", -0.001)
        self.at("auth.login.success", 3)
        self.at("audit.pruned", 1)
        assert self.activity().days == ()

    @pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
    def test_tells_of_an_edited_time(self):
        self.at("auth.login.success")
        self.at("auth.logout")
        with connection.cursor() as cursor:
            cursor.execute(
                f"UPDATE {AuditLog._meta.db_table} SET created_at = 'never' WHERE event = %s",
                ["auth.logout"],
            )
        with pytest.raises(TamperedError):
            self.activity()

    def test_survives_an_edited_outcome(self):
        self.at("auth.login.success")
        self.at("auth.logout", outcome="odd")
        (day,) = self.activity().days
        assert (day.success, day.failure) == (1, 0)

    def test_names_who_failed_most(self):
        for name, address, times in (("bob", "192.0.2.1", 3), ("eve", "192.0.2.2", 5)):
            for _ in range(times):
                self.at("auth.login.failure", username=name, ip_address=address, outcome="failure")
        self.at("auth.login.failure", outcome="failure")
        self.at("auth.login.success", username="ann", ip_address="192.0.2.3")
        found = self.activity()
        assert [(f.name, f.count) for f in found.failing_accounts] == [("eve", 5), ("bob", 3)]
        assert [f.name for f in found.failing_addresses] == ["192.0.2.2", "192.0.2.1"]


class TestProtection:
    def found(self):
        return protection.collect(using="default")

    def test_names_who_may_read_the_log(self):
        view = Permission.objects.get(codename="view_auditlog")
        auditors = Group.objects.create(name="auditors")
        auditors.permissions.add(view)
        User.objects.create_superuser("root")
        for name, options in {
            "ann": {"is_staff": True},
            "bob": {"is_staff": True},
            "eve": {"is_staff": True, "is_active": False},
            "guest": {},
            "staff": {"is_staff": True},
        }.items():
            user = User.objects.create_user(name, **options)
            if name in ("ann", "eve", "guest"):
                user.user_permissions.add(view)
            elif name == "bob":
                user.groups.add(auditors)
        found = self.found()
        assert found.readers == ("ann", "bob", "root")
        assert found.reader_count == 3

    def test_says_whether_the_database_refuses_changes(self):
        assert self.found().append_only is False

    @pytest.mark.django_db(transaction=True)
    def test_says_so_when_it_does(self):
        hardening.enable("default")
        try:
            assert self.found().append_only is True
        finally:
            hardening.disable("default")

    def test_a_database_without_triggers_does_not(self, monkeypatch):
        monkeypatch.setattr(hardening, "_GUARDS", {})
        assert self.found().append_only is False

    def test_tells_how_long_entries_are_kept(self, settings):
        settings.AUTHAUDIT_RETENTION = {"auth.login.": 30, "authz.": None}
        assert self.found().retention_days == {"": 90, "auth.login.": 30, "authz.": None}

    def test_tells_when_it_was_found_intact_and_when_not(self, rows):
        record("audit.verified")
        record("audit.verified", outcome="failure")
        record("audit.tampering_detected")
        found = self.found()
        assert found.verified == rows("audit.verified")[0].created_at
        assert found.tampering == rows("audit.tampering_detected")[0].created_at


class TestInventory:
    def items(self):
        return {item.code: item for item in inventory.collect(using="default").items}

    def test_has_every_event_that_the_project_can_have_with_what_records_it(self):
        found = self.items()
        assert found["auth.login.failure"].sources == ("login",)
        assert found["audit.pruned"].sources == ()
        assert found["authz.forbidden"].severity == "medium"
        # No installed package has tokens.
        assert "auth.token.created" not in found

    def test_tells_how_long_each_is_kept(self, settings):
        settings.AUTHAUDIT_RETENTION = {"auth.": 400, "auth.login.": 30, "authz.": None}
        found = self.items()
        assert found["auth.login.failure"].retention_days == 30
        assert found["auth.logout"].retention_days == 400
        assert found["authz.forbidden"].retention_days is None
        assert found["account.created"].retention_days == 90

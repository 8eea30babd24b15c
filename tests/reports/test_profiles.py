"""Clauses of standards: each verdict follows what the project does."""

from datetime import timedelta

import pytest
from django.utils import timezone

from django_authaudit import hardening, record, spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.reports import coverage, health, profiles, report
from django_authaudit.sinks.base import NetworkSink
from tests.admin.conftest import row

pytestmark = pytest.mark.django_db


def verdicts(profile):
    now = timezone.now()
    found = report.collect(since=now - timedelta(days=30), until=now, using="default")
    return {answer.clause: answer for answer in profiles.judge(found, profiles.get(profile))}


def verdict(profile, clause):
    return verdicts(profile)[clause]


def ago(**age):
    return timezone.now() - timedelta(**age)


@pytest.mark.parametrize("profile", profiles.names())
def test_every_clause_is_answered_with_evidence(profile):
    found = verdicts(profile)
    assert len(found) == len(profiles.get(profile).clauses)
    for clause in found.values():
        assert clause.status in ("PASS", "FAIL", "NOT APPLICABLE")
        assert clause.evidence
        assert clause.text


def test_the_profiles_are_those_that_people_ask_about():
    assert profiles.names() == ("asvs5", "nist80053", "pci4", "soc2")


class TestRecords:
    def test_passes_when_the_events_can_be_recorded_and_counts_them(self):
        record("auth.login.failure", username="bob")
        found = verdict("nist80053", "AC-7")
        assert (found.status, found.evidence) == (
            "PASS",
            "1 event type recorded, 1 times so far.",
        )

    def test_fails_when_one_never_is(self, settings):
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]
        found = verdict("asvs5", "16.3.2")
        assert found.failed
        assert found.evidence.startswith("Never recorded: authz.forbidden")

    def test_does_not_apply_to_what_the_project_does_not_have(self, monkeypatch):
        monkeypatch.setattr(coverage, "obstacles", dict)
        found = verdict("asvs5", "16.3.1")
        assert found.status == "NOT APPLICABLE"
        assert not found.failed


class TestLosses:
    def test_none_is_a_pass(self):
        assert verdict("pci4", "10.7.2").status == "PASS"

    def test_one_is_a_failure(self):
        record("audit.write_failed", metadata={"lost": 1})
        assert verdict("pci4", "10.7.2").evidence == "1 entry lost."

    def test_so_is_what_was_set_aside(self, spool_dir):
        entry = make_entry(id=new_id(), event="auth.logout", outcome="success")
        spool.append("default", [entry])
        (path,) = spool_dir.iterdir()
        path.rename(path.with_suffix(".rejected"))
        found = verdict("pci4", "10.7.2")
        assert found.failed
        assert found.evidence.startswith("1 file of entries set aside in ")


class TestIntegrity:
    @pytest.mark.django_db(transaction=True)
    def test_append_only_passes_with_the_triggers_alone(self):
        assert verdict("asvs5", "16.4.2").failed
        hardening.enable("default")
        try:
            assert verdict("asvs5", "16.4.2").status == "PASS"
        finally:
            hardening.disable("default")

    def test_a_seal_has_to_be_fresh(self):
        row("audit.sealed", at=ago(hours=49))
        assert verdict("nist80053", "AU-9(3)").failed
        row("audit.sealed", at=ago(hours=47))
        assert verdict("nist80053", "AU-9(3)").status == "PASS"

    def test_a_verification_has_to_be_fresh(self):
        assert "never" in verdict("pci4", "10.3.4").evidence
        row("audit.verified", at=ago(days=8))
        assert verdict("pci4", "10.3.4").failed
        row("audit.verified", at=ago(days=6))
        assert verdict("pci4", "10.3.4").status == "PASS"

    def test_tampering_fails_until_the_log_is_found_intact_again(self):
        row("audit.verified", at=ago(hours=3))
        row("audit.tampering_detected", at=ago(hours=2))
        assert verdict("pci4", "10.3.4").evidence.startswith("Verification found tampering")
        row("audit.verified", at=ago(hours=1))
        assert verdict("pci4", "10.3.4").status == "PASS"


class TestRetention:
    def test_a_year_in_the_table_passes(self, settings):
        settings.AUTHAUDIT_RETENTION_DAYS = 365
        assert verdict("pci4", "10.5.1").status == "PASS"

    def test_less_fails(self, settings):
        assert "others: 90" in verdict("pci4", "10.5.1").evidence
        settings.AUTHAUDIT_RETENTION_DAYS = 365
        settings.AUTHAUDIT_RETENTION = {"auth.login.": 30, "authz.": None}
        assert "auth.login.: 30" in verdict("pci4", "10.5.1").evidence

    def test_less_passes_where_pruning_writes_archives(self):
        record("audit.pruned", metadata={"archive": "2026-03.jsonl.gz"})
        found = verdict("pci4", "10.5.1")
        assert (found.status, found.evidence) == (
            "PASS",
            "90 days in the table, then in archives.",
        )

    def test_an_archive_alone_is_not_at_hand(self, settings):
        settings.AUTHAUDIT_RETENTION_DAYS = 60
        record("audit.pruned", metadata={"archive": "2026-03.jsonl.gz"})
        found = verdict("pci4", "10.5.1")
        assert found.failed
        assert "others: 60" in found.evidence

    def test_pruning_has_to_be_at_work(self):
        row("audit.pruned", at=ago(days=3))
        assert verdict("nist80053", "SI-12").failed
        row("audit.pruned", at=ago(days=1))
        assert verdict("nist80053", "SI-12").status == "PASS"


class Elsewhere(NetworkSink):
    def emit(self, entries):
        raise AssertionError("a request waited for it")


class TestTheRest:
    def test_a_weak_setting_fails(self, settings):
        settings.SILENCED_SYSTEM_CHECKS = [
            weakness.id for weakness in health.collect(using="default").weaknesses
        ]
        assert verdict("soc2", "CC7.1").status == "PASS"
        settings.AUTHAUDIT_RETENTION_DAYS = 30
        assert verdict("soc2", "CC7.1").failed

    def test_readers_are_named(self, django_user_model):
        assert verdict("pci4", "10.3.1").evidence == "0 accounts with a permission of its own."
        django_user_model.objects.create_superuser("root")
        assert (
            verdict("pci4", "10.3.1").evidence == "1 account with a permission of its own: root."
        )

    def test_a_log_that_stays_in_the_database_is_on_no_separate_system(self):
        assert verdict("asvs5", "16.4.3").failed

    def test_one_that_is_shipped_to_is(self, settings):
        settings.AUTHAUDIT_SINKS = {
            "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
            "siem": {"BACKEND": f"{__name__}.Elsewhere"},
        }
        assert verdict("asvs5", "16.4.3").evidence == "Shipped to siem."

    def test_what_no_log_can_answer_does_not_fail(self):
        found = verdict("pci4", "10.4.1")
        assert (found.status, found.required, found.failed) == ("NOT APPLICABLE", False, False)

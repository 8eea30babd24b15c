"""NIST SP 800-53, revision 5, baseline HIGH: AU, and what AC and SI ask of a log."""

from __future__ import annotations

from django_authaudit.reports import judges
from django_authaudit.reports.profiles import Clause, Profile

PROFILE = Profile(
    "NIST SP 800-53 rev. 5, baseline HIGH",
    (
        Clause("AU-2", "The events that can be logged are known", judges.records("")),
        Clause(
            "AU-3",
            "Entries say type, time, place, source, outcome and identity",
            judges.by_design("Columns of every entry."),
        ),
        Clause("AU-5", "A failure to log is noticed", judges.nothing_lost),
        Clause(
            "AU-6",
            "Logs are reviewed",
            judges.not_by_a_log("Who reviews, and when, is the organisation's to say."),
            required=False,
        ),
        Clause(
            "AU-7",
            "Logs can be searched and reported without changing them",
            judges.by_design("The admin is read-only; this report and export_audit_log."),
        ),
        Clause("AU-8", "Times are in UTC", judges.by_design("UTC in milliseconds.")),
        Clause("AU-9", "Logs are protected from change and deletion", judges.append_only),
        Clause("AU-9(2)", "Logs are stored on a separate system", judges.shipped),
        Clause("AU-9(3)", "Integrity is protected by cryptography", judges.sealed(hours=48)),
        Clause("AU-9(4)", "Access is for a subset of privileged users", judges.readers_known),
        Clause("AU-10", "Entries prove themselves", judges.verified(days=31)),
        Clause("AU-11", "Entries are kept as long as required", judges.kept(days=90)),
        Clause("SI-12", "Entries leave when their time is over", judges.pruned(days=2)),
        Clause("AU-12", "Entries are generated", judges.no_weakness),
        Clause(
            "AC-2(4)",
            "Creating, changing, disabling and removing accounts is logged",
            judges.records("account."),
        ),
        Clause(
            "AC-6(9)", "Use of privilege is logged", judges.records("authz.role.", "authz.group.")
        ),
        Clause(
            "AC-7", "Failed logons and lockouts are logged", judges.records("auth.login.failure")
        ),
    ),
)

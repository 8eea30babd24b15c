"""PCI DSS 4.0.1, requirement 10."""

from __future__ import annotations

from django_authaudit.reports import judges
from django_authaudit.reports.profiles import Clause, Profile

PROFILE = Profile(
    "PCI DSS 4.0.1, requirement 10",
    (
        Clause("10.2.1", "Audit logs are enabled and active", judges.no_weakness),
        Clause(
            "10.2.1.1",
            "Individual access to cardholder data is logged",
            judges.not_by_a_log("Record it with record(): what is such data, the project knows."),
            required=False,
        ),
        Clause(
            "10.2.1.2",
            "Actions of administrators are logged",
            judges.records("authz.role.", "authz.group.", "account."),
        ),
        Clause(
            "10.2.1.3",
            "Access to audit logs is logged",
            judges.by_design("Reading is audit.viewed, exporting audit.exported."),
        ),
        Clause(
            "10.2.1.4",
            "Invalid logical access attempts are logged",
            judges.records("auth.login.failure", "authz.forbidden", "authz.unauthenticated"),
        ),
        Clause(
            "10.2.1.5",
            "Changes to credentials and privileges are logged",
            judges.records("auth.password", "auth.mfa.", "authz.role.", "account.created"),
        ),
        Clause(
            "10.2.1.6",
            "Starting, stopping and pausing of logs is logged",
            judges.by_design("audit.pruned, sealed, hardening_enabled and _disabled."),
        ),
        Clause(
            "10.2.2",
            "Entries have user, type, time, outcome, origin and object",
            judges.by_design("Columns of every entry."),
        ),
        Clause("10.3.1", "Read access is by need to know", judges.readers_known),
        Clause("10.3.2", "Logs are protected from modification", judges.append_only),
        Clause("10.3.3", "Logs are promptly backed up to a central server", judges.shipped),
        Clause("10.3.4", "Changes of logs are detected", judges.verified(days=7)),
        Clause(
            "10.4.1",
            "Logs are reviewed daily",
            judges.not_by_a_log("Who reviews, and when, is the organisation's to say."),
            required=False,
        ),
        Clause(
            "10.5.1", "12 months are kept, 3 of them at hand", judges.kept(days=365, at_hand=90)
        ),
        Clause(
            "10.6", "Times are synchronized", judges.by_design("UTC, by the clock of the host.")
        ),
        Clause("10.7.2", "A failure of audit logging is detected", judges.nothing_lost),
    ),
)

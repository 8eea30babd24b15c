"""OWASP Application Security Verification Standard 5.0, chapter V16 (and V7.5.2), level 2."""

from __future__ import annotations

from django_authaudit.reports import judges
from django_authaudit.reports.profiles import Clause, Profile

PROFILE = Profile(
    "OWASP ASVS 5.0, V16, level 2",
    (
        Clause(
            "16.1.1",
            "An inventory of what is logged, where and how long it is kept, and who may read it",
            judges.by_design(
                "report_audit_log --inventory, made of the catalogue and the wiring."
            ),
        ),
        Clause(
            "16.2.1",
            "Each entry says when, where, who and what",
            judges.by_design("Columns of every entry; those that identify it cannot be empty."),
        ),
        Clause(
            "16.2.2",
            "Times are synchronized, in UTC or with an offset",
            judges.by_design("UTC in milliseconds, the time in the entry's id."),
        ),
        Clause(
            "16.2.3",
            "Logs go only where the inventory says",
            judges.by_design("The database, the spool and AUTHAUDIT_SINKS; nothing else is sent."),
        ),
        Clause(
            "16.2.4",
            "Logs can be read by the processor in use, in a common format",
            judges.by_design("JSON lines, OCSF, ECS, OWASP vocabulary, RFC 5424, CSV."),
        ),
        Clause(
            "16.2.5",
            "No credential is logged; session tokens are hashed or masked",
            judges.by_design("Masked before storage; a session is a keyed hash of its key."),
        ),
        Clause(
            "16.3.1",
            "Every authentication is logged, successful or not",
            judges.records("auth.login.", "auth.reauthentication.", "auth.mfa.challenge."),
        ),
        Clause(
            "16.3.2",
            "Failed authorization is logged",
            judges.records("authz.forbidden", "authz.unauthenticated"),
        ),
        Clause(
            "16.3.3",
            "Attempts to get round security controls are logged",
            judges.records("authz.csrf_rejected", "authz.rate_limited", "security."),
        ),
        Clause("16.3.4", "Failures of the logging itself are logged", judges.nothing_lost),
        Clause(
            "16.4.1",
            "Entries are encoded against log injection",
            judges.by_design("Control and bidi characters are cleaned; one line an entry."),
        ),
        Clause("16.4.2", "Logs cannot be modified", judges.append_only),
        Clause("16.4.3", "Logs go to a logically separate system", judges.shipped),
        Clause(
            "16.5.1",
            "An error tells its consumer nothing about the inside",
            judges.by_design("A failure of the audit never reaches the response."),
        ),
        Clause(
            "16.5.2",
            "The application works while an external resource fails",
            judges.by_design("A locked or absent database delays a response by 0.25 s at most."),
        ),
        Clause(
            "7.5.2",
            "Users can see and end their own sessions",
            judges.by_design("django_authaudit.urls has the page."),
            required=False,
        ),
    ),
)

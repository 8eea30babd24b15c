"""SOC 2: the AICPA's Trust Services Criteria (2017, points of focus of 2022), CC6 and CC7."""

from __future__ import annotations

from django_authaudit.reports import judges
from django_authaudit.reports.profiles import Clause, Profile

PROFILE = Profile(
    "SOC 2, Trust Services Criteria CC6 and CC7",
    (
        Clause("CC6.1", "Logical access is identified and logged", judges.records("auth.login.")),
        Clause(
            "CC6.2",
            "Registering and removing users is logged",
            judges.records("account.created", "account.deleted", "account.deactivated"),
        ),
        Clause(
            "CC6.3",
            "Granting and revoking of access is logged",
            judges.records("authz.role.", "authz.group."),
        ),
        Clause("CC6.6", "Refused access is logged", judges.records("authz.forbidden", "authz.un")),
        Clause("CC7.1", "Weak configuration is detected", judges.no_weakness),
        Clause("CC7.2", "The log itself is watched for anomalies", judges.verified(days=31)),
        Clause("CC7.3", "Events can be evaluated: none is lost", judges.nothing_lost),
        Clause("CC7.4", "Entries last until an incident is handled", judges.kept(days=365)),
    ),
)

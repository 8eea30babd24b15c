"""The catalogue in the words of OCSF and ECS: one row an event. The formats write them.

Severities and the names of the OWASP Logging Vocabulary stand with the events themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django_authaudit.entry import Entry

# OCSF's classes (https://schema.ocsf.io).
ACCOUNT_CHANGE, AUTHENTICATION, USER_ACCESS, GROUP_MANAGEMENT = 3001, 3002, 3005, 3006
EVENT_LOG, FINDING, API, BASE = 1008, 2004, 6003, 0
OTHER = 99
ACCOUNT_SWITCH = 7


@dataclass(frozen=True)
class Row:
    """What an event is to others: OCSF's class and activity, ECS's categories and types."""

    ocsf: tuple[int, int]
    categories: tuple[str, ...]
    types: tuple[str, ...]


def row_of(entry: Entry) -> Row:
    """Return the row of an entry; an event that a project has added is OCSF's base event."""
    role = entry.metadata.get("role")
    kind = role.get("kind") if isinstance(role, Mapping) else None
    return ROWS.get(f"{entry.event} {kind}") or ROWS.get(entry.event) or _UNKNOWN


def _row(ocsf_class: int, activity: int, categories: str, types: str) -> Row:
    return Row((ocsf_class, activity), tuple(categories.split()), tuple(types.split()))


_UNKNOWN = _row(BASE, OTHER, "", "info")

ROWS: Mapping[str, Row] = {
    "auth.login.success": _row(AUTHENTICATION, 1, "authentication session", "start"),
    "auth.login.failure": _row(AUTHENTICATION, 1, "authentication", "start"),
    "auth.logout": _row(AUTHENTICATION, 2, "authentication session", "end"),
    "auth.account_locked": _row(ACCOUNT_CHANGE, 9, "iam", "user change"),
    "auth.account_unlocked": _row(ACCOUNT_CHANGE, 12, "iam", "user change"),
    "auth.password_reset.requested": _row(ACCOUNT_CHANGE, 4, "iam", "user info"),
    "auth.password_reset.completed": _row(ACCOUNT_CHANGE, 4, "iam", "user change"),
    "auth.password_reset.failure": _row(ACCOUNT_CHANGE, 4, "iam", "user info"),
    "auth.password.changed": _row(ACCOUNT_CHANGE, 3, "iam", "user change"),
    "auth.password.change_failure": _row(ACCOUNT_CHANGE, 3, "iam", "user info"),
    "auth.reauthentication.success": _row(AUTHENTICATION, 6, "authentication", "info"),
    "auth.reauthentication.failure": _row(AUTHENTICATION, 6, "authentication", "info"),
    "auth.mfa.enrolled": _row(ACCOUNT_CHANGE, 10, "iam", "user change"),
    "auth.mfa.removed": _row(ACCOUNT_CHANGE, 11, "iam", "user change"),
    "auth.mfa.recovery_codes_generated": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.mfa.recovery_code_used": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.mfa.challenge.success": _row(AUTHENTICATION, 6, "authentication", "info"),
    "auth.mfa.challenge.failure": _row(AUTHENTICATION, 6, "authentication", "info"),
    "auth.token.created": _row(ACCOUNT_CHANGE, OTHER, "iam", "user creation"),
    "auth.token.refreshed": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.token.revoked": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.token.failure": _row(AUTHENTICATION, 1, "authentication", "start"),
    "auth.oauth.authorized": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.social.connected": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.social.disconnected": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "auth.sso.failure": _row(AUTHENTICATION, 1, "authentication", "start"),
    "auth.impersonation.started": _row(AUTHENTICATION, ACCOUNT_SWITCH, "session", "start"),
    "auth.impersonation.ended": _row(AUTHENTICATION, ACCOUNT_SWITCH, "session", "end"),
    "auth.session.revoked": _row(AUTHENTICATION, 2, "session", "end"),
    "account.created": _row(ACCOUNT_CHANGE, 1, "iam", "user creation"),
    "account.deleted": _row(ACCOUNT_CHANGE, 6, "iam", "user deletion"),
    "account.activated": _row(ACCOUNT_CHANGE, 2, "iam", "user change"),
    "account.deactivated": _row(ACCOUNT_CHANGE, 5, "iam", "user change"),
    "account.renamed": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "account.email_changed": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "account.email_verified": _row(ACCOUNT_CHANGE, OTHER, "iam", "user change"),
    "account.activity_disputed": _row(FINDING, 1, "authentication", "info"),
    "authz.role.granted": _row(USER_ACCESS, 1, "iam", "user change"),
    "authz.role.granted flag": _row(USER_ACCESS, 1, "iam", "user admin change"),
    "authz.role.granted group": _row(GROUP_MANAGEMENT, 3, "iam", "user change"),
    "authz.role.revoked": _row(USER_ACCESS, 2, "iam", "user change"),
    "authz.role.revoked flag": _row(USER_ACCESS, 2, "iam", "user admin change"),
    "authz.role.revoked group": _row(GROUP_MANAGEMENT, 4, "iam", "user change"),
    "authz.group.created": _row(GROUP_MANAGEMENT, 6, "iam", "group creation"),
    "authz.group.deleted": _row(GROUP_MANAGEMENT, 5, "iam", "group deletion"),
    "authz.group.renamed": _row(GROUP_MANAGEMENT, OTHER, "iam", "group change"),
    "authz.group.permission_granted": _row(GROUP_MANAGEMENT, 1, "iam", "group change"),
    "authz.group.permission_revoked": _row(GROUP_MANAGEMENT, 2, "iam", "group change"),
    "authz.forbidden": _row(API, 2, "api", "access denied"),
    "authz.unauthenticated": _row(API, 2, "api", "access denied"),
    "authz.csrf_rejected": _row(API, OTHER, "intrusion_detection", "denied"),
    "authz.rate_limited": _row(API, OTHER, "intrusion_detection", "denied"),
    "security.suspicious_request": _row(API, OTHER, "intrusion_detection", "denied"),
    "audit.viewed": _row(EVENT_LOG, OTHER, "configuration", "access"),
    "audit.exported": _row(EVENT_LOG, 3, "configuration", "access"),
    "audit.pruned": _row(EVENT_LOG, 2, "configuration", "deletion"),
    "audit.archived": _row(EVENT_LOG, 4, "configuration", "info"),
    "audit.sealed": _row(EVENT_LOG, OTHER, "configuration", "creation"),
    "audit.verified": _row(EVENT_LOG, OTHER, "configuration", "info"),
    "audit.tampering_detected": _row(FINDING, 1, "intrusion_detection", "info"),
    "audit.write_failed": _row(EVENT_LOG, OTHER, "configuration", "info"),
    "audit.shipment_rejected": _row(EVENT_LOG, OTHER, "configuration", "info"),
    "audit.spool_replayed": _row(EVENT_LOG, OTHER, "configuration", "info"),
    "audit.erased": _row(EVENT_LOG, 2, "configuration", "deletion"),
    "audit.held": _row(EVENT_LOG, OTHER, "configuration", "change"),
    "audit.hardening_enabled": _row(EVENT_LOG, OTHER, "configuration", "change"),
    "audit.hardening_disabled": _row(EVENT_LOG, OTHER, "configuration", "change"),
    "audit.hold_released": _row(EVENT_LOG, OTHER, "configuration", "change"),
}

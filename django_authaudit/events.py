"""The catalogue: every kind of thing that can be recorded. Data, and a registry of it.

Severities and the names of the OWASP Logging Vocabulary are those of OWASP and NIST SP 800-53
AU-2 (docs: "Events").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SUCCESS = "success"
FAILURE = "failure"
OUTCOMES = ((SUCCESS, _("success")), (FAILURE, _("failure")))

LONGEST_CODE = 100
_CODE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_RESERVED = ("alert.", "audit.")


@dataclass(frozen=True)
class Event:
    """A kind of thing that happens.

    ``changes_state`` marks what a rollback undoes (a role, a password), as opposed to facts,
    which have happened whatever becomes of the transaction (a login, a refusal).
    """

    code: str
    label: str | Promise
    outcome: str = SUCCESS
    changes_state: bool = field(default=False, kw_only=True)
    severity: str = field(default="info", kw_only=True)
    owasp: str = field(default="", kw_only=True)

    @property
    def family(self) -> str:
        """The part of the code before the first dot."""
        return self.code.partition(".")[0]


_catalogue: dict[str, Event] = {}


def register(event: Event) -> Event:
    """Add `event` to the catalogue and return it.

    Raises ValueError for a malformed or reserved code, and for a second event of the same code.
    """
    if event.code.startswith(_RESERVED):
        raise ValueError(f"{event.code!r}: {', '.join(_RESERVED)} are the audit log's own.")
    return _add(event)


def get(code: str) -> Event:
    """Return the event named `code`; one that nobody registered is labelled by its code."""
    return _catalogue.get(code) or Event(code, code)


def is_registered(code: str) -> bool:
    """Return whether `code` stands in the catalogue."""
    return code in _catalogue


def registered() -> Iterator[Event]:
    """Yield the events of the catalogue in the order of their registration."""
    yield from _catalogue.values()


def _add(event: Event) -> Event:
    if not _CODE.fullmatch(event.code) or len(event.code) > LONGEST_CODE:
        raise ValueError(
            f"{event.code!r} is no event code: write at least two lower-case words joined by "
            f'dots, such as "billing.card_changed", in at most {LONGEST_CODE} characters.'
        )
    if event.outcome not in (SUCCESS, FAILURE):
        raise ValueError(f"{event.code}: the outcome is {SUCCESS!r} or {FAILURE!r}.")
    known = _catalogue.setdefault(event.code, event)
    if known != event:
        raise ValueError(f"The event {event.code!r} is registered already, with other values.")
    return event


def _fact(code: str, label: Promise, outcome: str, severity: str, owasp: str = "") -> str:
    return _add(Event(code, label, outcome, severity=severity, owasp=owasp)).code


def _change(code: str, label: Promise, severity: str, owasp: str = "") -> str:
    return _add(Event(code, label, changes_state=True, severity=severity, owasp=owasp)).code


def _refusal(code: str, label: Promise, severity: str, owasp: str = "") -> str:
    return _fact(code, label, FAILURE, severity, owasp)


LOGIN_SUCCESS = _fact("auth.login.success", _("Signed in"), SUCCESS, "info", "authn_login_success")
LOGIN_FAILURE = _refusal("auth.login.failure", _("Sign-in failed"), "low", "authn_login_fail")
LOGOUT = _fact("auth.logout", _("Signed out"), SUCCESS, "info", "session_logout")
ACCOUNT_LOCKED = _refusal("auth.account_locked", _("Account locked"), "medium", "authn_login_lock")
ACCOUNT_UNLOCKED = _change("auth.account_unlocked", _("Account unlocked"), "info")
PASSWORD_RESET_REQUESTED = _fact(
    "auth.password_reset.requested", _("Password reset requested"), SUCCESS, "low"
)
PASSWORD_RESET_COMPLETED = _change(
    "auth.password_reset.completed",
    _("Password reset completed"),
    "medium",
    "authn_password_change",
)
PASSWORD_RESET_FAILURE = _refusal(
    "auth.password_reset.failure",
    _("Password reset refused"),
    "medium",
    "authn_password_change_fail",
)
PASSWORD_CHANGED = _change(
    "auth.password.changed", _("Password changed"), "info", "authn_password_change"
)
PASSWORD_CHANGE_FAILURE = _refusal(
    "auth.password.change_failure",
    _("Password change failed"),
    "medium",
    "authn_password_change_fail",
)
REAUTHENTICATION_SUCCESS = _fact(
    "auth.reauthentication.success", _("Reauthenticated"), SUCCESS, "info", "authn_login_success"
)
REAUTHENTICATION_FAILURE = _refusal(
    "auth.reauthentication.failure", _("Reauthentication failed"), "low", "authn_login_fail"
)
MFA_ENROLLED = _change("auth.mfa.enrolled", _("MFA factor added"), "medium", "user_updated")
MFA_REMOVED = _change("auth.mfa.removed", _("MFA factor removed"), "high", "user_updated")
MFA_RECOVERY_CODES_GENERATED = _change(
    "auth.mfa.recovery_codes_generated", _("Recovery codes generated"), "medium", "user_updated"
)
MFA_RECOVERY_CODE_USED = _change(
    "auth.mfa.recovery_code_used", _("Recovery code used"), "medium", "user_updated"
)
MFA_CHALLENGE_SUCCESS = _fact(
    "auth.mfa.challenge.success", _("MFA code accepted"), SUCCESS, "info"
)
MFA_CHALLENGE_FAILURE = _refusal(
    "auth.mfa.challenge.failure", _("MFA code refused"), "medium", "authn_login_fail"
)
TOKEN_CREATED = _change("auth.token.created", _("Token created"), "info", "authn_token_created")
TOKEN_REFRESHED = _change("auth.token.refreshed", _("Token refreshed"), "info")
TOKEN_REVOKED = _change("auth.token.revoked", _("Token revoked"), "info", "authn_token_revoked")
TOKEN_FAILURE = _refusal("auth.token.failure", _("Token refused"), "low", "authn_login_fail")
OAUTH_AUTHORIZED = _change(
    "auth.oauth.authorized", _("Application authorized"), "info", "authn_token_created"
)
SOCIAL_CONNECTED = _change(
    "auth.social.connected", _("Social account connected"), "medium", "user_updated"
)
SOCIAL_DISCONNECTED = _change(
    "auth.social.disconnected", _("Social account disconnected"), "medium", "user_updated"
)
SSO_FAILURE = _refusal("auth.sso.failure", _("Single sign-on failed"), "low", "authn_login_fail")
IMPERSONATION_STARTED = _fact(
    "auth.impersonation.started", _("Impersonation started"), SUCCESS, "high", "authz_admin"
)
IMPERSONATION_ENDED = _fact(
    "auth.impersonation.ended", _("Impersonation ended"), SUCCESS, "medium", "authz_admin"
)
SESSION_REVOKED = _change(
    "auth.session.revoked", _("Session revoked"), "medium", "session_expired"
)

ACCOUNT_CREATED = _change("account.created", _("Account created"), "medium", "user_created")
ACCOUNT_DELETED = _change("account.deleted", _("Account deleted"), "medium", "user_deleted")
ACCOUNT_ACTIVATED = _change("account.activated", _("Account activated"), "medium", "user_updated")
ACCOUNT_DEACTIVATED = _change(
    "account.deactivated", _("Account deactivated"), "medium", "user_archived"
)
ACCOUNT_RENAMED = _change("account.renamed", _("Account renamed"), "medium", "user_updated")
ACCOUNT_EMAIL_CHANGED = _change(
    "account.email_changed", _("E-mail address changed"), "medium", "user_updated"
)
ACCOUNT_EMAIL_VERIFIED = _change(
    "account.email_verified", _("E-mail address verified"), "medium", "user_updated"
)
ACTIVITY_DISPUTED = _fact(
    "account.activity_disputed",
    _("Activity disputed by its owner"),
    SUCCESS,
    "high",
)

ROLE_GRANTED = _change("authz.role.granted", _("Role granted"), "high", "authz_change")
ROLE_REVOKED = _change("authz.role.revoked", _("Role revoked"), "medium", "authz_change")
GROUP_CREATED = _change("authz.group.created", _("Group created"), "medium", "authz_change")
GROUP_DELETED = _change("authz.group.deleted", _("Group deleted"), "medium", "authz_change")
GROUP_RENAMED = _change("authz.group.renamed", _("Group renamed"), "medium", "authz_change")
GROUP_PERMISSION_GRANTED = _change(
    "authz.group.permission_granted", _("Permission granted to group"), "high", "authz_change"
)
GROUP_PERMISSION_REVOKED = _change(
    "authz.group.permission_revoked", _("Permission revoked from group"), "medium", "authz_change"
)
FORBIDDEN = _refusal("authz.forbidden", _("Access refused"), "medium", "authz_fail")
UNAUTHENTICATED = _refusal(
    "authz.unauthenticated", _("Access without sign-in refused"), "low", "authz_fail"
)
CSRF_REJECTED = _refusal("authz.csrf_rejected", _("CSRF check failed"), "low", "malicious_csrf")
RATE_LIMITED = _refusal(
    "authz.rate_limited", _("Rate limited"), "medium", "excess_rate_limit_exceeded"
)
SUSPICIOUS_REQUEST = _refusal(
    "security.suspicious_request", _("Suspicious request"), "medium", "malicious_extraneous"
)

AUDIT_SEALED = _fact("audit.sealed", _("Audit log sealed"), SUCCESS, "info")
AUDIT_EXPORTED = _fact(
    "audit.exported", _("Audit log exported"), SUCCESS, "info", "sensitive_read"
)
AUDIT_VIEWED = _fact("audit.viewed", _("Audit log viewed"), SUCCESS, "info", "sensitive_read")
AUDIT_VERIFIED = _fact("audit.verified", _("Audit log verified"), SUCCESS, "info")
AUDIT_TAMPERING_DETECTED = _refusal(
    "audit.tampering_detected", _("Audit log tampered with"), "critical"
)
AUDIT_PRUNED = _fact("audit.pruned", _("Audit log pruned"), SUCCESS, "medium", "sensitive_delete")
AUDIT_ARCHIVED = _fact("audit.archived", _("Entries archived"), SUCCESS, "info")
AUDIT_ERASED = _fact("audit.erased", _("Person erased"), SUCCESS, "medium", "sensitive_delete")
AUDIT_HELD = _fact("audit.held", _("Entries held"), SUCCESS, "medium")
AUDIT_HOLD_RELEASED = _fact("audit.hold_released", _("Hold released"), SUCCESS, "medium")
AUDIT_HARDENING_ENABLED = _fact(
    "audit.hardening_enabled",
    _("Audit log made append-only"),
    SUCCESS,
    "medium",
    "sys_monitor_enabled",
)
AUDIT_HARDENING_DISABLED = _fact(
    "audit.hardening_disabled",
    _("Audit log no longer append-only"),
    SUCCESS,
    "high",
    "sys_monitor_disabled",
)
AUDIT_WRITE_FAILED = _refusal(
    "audit.write_failed", _("Entries could not be stored"), "high", "sys_crash"
)
AUDIT_SPOOL_REPLAYED = _fact(
    "audit.spool_replayed", _("Spooled entries replayed"), SUCCESS, "info"
)
AUDIT_SHIPMENT_REJECTED = _refusal(
    "audit.shipment_rejected", _("Entries rejected by a receiver"), "high", "sys_crash"
)

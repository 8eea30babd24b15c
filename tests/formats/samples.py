"""One entry of each event, always the same, as a request of a signed-in person leaves it."""

from uuid import UUID

import pytest

from django_authaudit import events
from django_authaudit.entry import make_entry

GROUP = {"kind": "group", "name": "editors"}
FLAG = {"kind": "flag", "name": "is_superuser"}
HELD = {"reason": "case 17", "by": "ada"}
METADATA = {
    "auth.login.success": {"backend": "django.contrib.auth.backends.ModelBackend"},
    "auth.login.failure": {"reason": "invalid_password"},
    "auth.account_locked": {"reason": "too_many_failures", "via": "axes"},
    "auth.password_reset.failure": {"reason": "invalid_link"},
    "auth.password.changed": {"by": "self"},
    "auth.mfa.enrolled": {"kind": "totp", "factor": 3, "via": "otp"},
    "auth.mfa.challenge.failure": {"reason": "invalid_code", "kind": "totp"},
    "auth.token.created": {"kind": "access", "via": "knox"},
    "auth.impersonation.started": {"via": "hijack"},
    "account.renamed": {"old": "bob", "new": "robert"},
    "account.email_changed": {"old": "bob@example.com", "new": "robert@example.com"},
    "account.deleted": {"roles": [GROUP, FLAG]},
    "authz.role.granted": {"role": GROUP},
    "authz.role.revoked": {"role": FLAG, "rolled_back": True},
    "authz.group.created": {"group": "editors"},
    "authz.group.deleted": {"group": "editors"},
    "authz.group.renamed": {"group": "editors", "old": "editors", "new": "authors"},
    "authz.group.permission_granted": {"group": "editors", "permission": "auth.view_user"},
    "authz.group.permission_revoked": {"group": "editors", "permission": "auth.view_user"},
    "authz.forbidden": {"view": "shop.views.orders", "exception": "PermissionDenied"},
    "authz.csrf_rejected": {"reason": "CSRF cookie not set."},
    "security.suspicious_request": {"exception": "DisallowedHost"},
    "audit.pruned": {"count": 1200, "cutoff": "2026-01-01T00:00:00.000Z", "database": "default"},
    "audit.write_failed": {"lost": 2, "events": {"auth.logout": 2}},
    "audit.spool_replayed": {"stored": 3, "present": 0, "rejected": 1},
    "audit.held": HELD,
    "audit.hold_released": HELD,
}


def sample(code, **changes):
    """Return the entry of the event `code`, with `changes` of its columns."""
    event = events.get(code)
    by_another = event.changes_state or event.family == "audit"
    values = {
        "id": UUID("019a7c2e-5d00-7001-8000-00000000abcd"),
        "event": code,
        "outcome": event.outcome,
        "user_id": 7,
        "username": "bob",
        "email": "bob@example.com",
        "actor_id": 1 if by_another else 7,
        "actor_username": "ada" if by_another else "bob",
        "ip_address": "203.0.113.9",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64)",
        "session_ref": "0123456789abcdef0123456789abcdef",
        "request_id": "5f2b7e4c9d0a4b13",
        "method": "POST",
        "path": "/accounts/7/",
        "metadata": METADATA.get(code, {}),
        "writer": UUID("0b5c6ef8-3b0e-4f6a-9d5b-2f4f8f1d2c3e"),
        "sequence": 1,
        "salt": "00112233445566778899aabbccddeeff",
    }
    return make_entry(**{**values, **changes})


FAMILIES = ("account", "audit", "auth", "authz", "security")
CODES = [event.code for event in events.registered() if event.family in FAMILIES]
each_event = pytest.mark.parametrize("code", CODES)

UNKNOWN = ("user_id", "actor_id", "ip_address", "writer")
EMPTY = [
    "username",
    "email",
    "actor_username",
    "user_agent",
    "session_ref",
    "request_id",
    "method",
    "path",
]
NOTHING: dict[str, object] = {
    **dict.fromkeys(UNKNOWN),
    **dict.fromkeys(EMPTY, ""),
    "metadata": {},
    "sequence": 0,
}
TYPED = {
    "username": "=cmd|' /C calc'!A0\r\n\x00\u2028\ud800\u202e\x85ü\U0001f511",
    "email": '"]\\ a@b,;:%0A\n<script>@',
    "user_agent": "x" * 10_000,
    "method": "PROPFIND\n",
    "ip_address": "2001:db8::1",
    "user_id": "a\nb",
    "metadata": {
        "reason": {"a\n.b": ['"]\\\n']},
        "role": "plain",
        "group": ["a"],
        "permission": 7,
        "a.b": "c\nd",
        "old": 1,
    },
}


def variants(code):
    """Return entries of an event: an ordinary one, one that lacks everything, an attacker's."""
    return [sample(code), sample(code, **NOTHING), sample(code, **TYPED)]

"""What codes are called, for a reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _

from django_authaudit import events
from django_authaudit.cleaning import clean_text

LONGEST_SHOWN = 10_000
SIGNS = {events.SUCCESS: "✓", events.FAILURE: "✗"}
FAMILIES = {
    "auth": _("Sign-in"),
    "account": _("Accounts"),
    "authz": _("Permissions"),
    "security": _("Security"),
    "audit": _("Audit log"),
    "": _("Not in the catalogue"),
}
REASONS = {
    "backend_refused": _("refused by a backend"),
    "inactive": _("account is inactive"),
    "invalid_link": _("invalid, expired or used link"),
    "invalid_password": _("wrong password"),
    "locked": _("locked out"),
    "malformed": _("malformed user name"),
    "mfa": _("wrong MFA code"),
    "not_permitted": _("right password, not permitted here"),
    "throttled": _("throttled"),
    "unknown_user": _("unknown user name"),
}
BY = {
    "self": _("by the owner"),
    "admin": _("by another user"),
    "command": _("by a command"),
    "code": _("by the site's code"),
}
KINDS = {
    "group": _("group"),
    "permission": _("permission"),
    "flag": _("flag"),
}
KEYS = {
    "backend": _("backend"),
    "by": _("by"),
    "code": _("code"),
    "command": _("command"),
    "exception": _("exception"),
    "group": _("group"),
    "kind": _("kind"),
    "name": _("name"),
    "new": _("new value"),
    "old": _("old value"),
    "parameters": _("parameters"),
    "permission": _("permission"),
    "reason": _("reason"),
    "role": _("role"),
    "roles": _("roles"),
    "rolled_back": _("rolled back"),
    "session_kept": _("session kept"),
    "truncated": _("cut values (length)"),
    "untrusted_forwarded_for": _("X-Forwarded-For (not to be trusted)"),
    "via": _("via"),
    "view": _("view"),
    "viewed": _("viewed"),
}


def clean(value: object) -> str:
    """Return `value` as text that cannot deceive its reader, forged rows included."""
    return clean_text(value, LONGEST_SHOWN)[0]


def family(code: str) -> str:
    """Return what the family `code` of events is called."""
    return str(FAMILIES.get(code) or capfirst(code.replace("_", " ")))


def key(name: str) -> str:
    """Return what the key `name` of the metadata is called; one that is unknown, as it is."""
    return capfirst(str(KEYS[name])) if name in KEYS else clean(name)


def outcome(code: str) -> str:
    """Return the outcome in words."""
    return str(dict(events.OUTCOMES).get(code) or clean(code))


def signed_outcome(code: str) -> str:
    """Return the outcome by sign and in words."""
    return f"{SIGNS.get(code, '?')} {outcome(code)}"


def local_time(moment: datetime) -> datetime:
    """Return `moment` in the reader's time zone."""
    return timezone.localtime(moment)


def title(entry: Any) -> str:
    """Return the entry in a line."""
    time = f"{local_time(entry.created_at):%Y-%m-%d %H:%M:%S}"
    return ", ".join(filter(None, [label(entry), name(entry), time]))


def label(entry: Any) -> str:
    """Return the event in words, or its code when the catalogue does not know it."""
    return clean(entry.event_label)


def name(entry: Any) -> str:
    """Return whom the entry concerns, as well as it knows."""
    key = f"#{entry.user_id}" if entry.user_id is not None else ""
    return clean(entry.username or entry.email or key)


def actor_name(entry: Any) -> str:
    """Return who acted, as well as the entry knows."""
    key = f"#{entry.actor_id}" if entry.actor_id is not None else ""
    return clean(entry.actor_username or key)


def why(entry: Any) -> str:
    """Return what explains the entry: the reason, the role, the change, who caused it."""
    facts = entry.metadata
    return " · ".join(_explain(facts)) if isinstance(facts, Mapping) else ""


def _explain(facts: Mapping[str, Any]) -> Iterator[str]:
    if reason := facts.get("reason"):
        yield coded(REASONS, reason)
    if role := facts.get("role"):
        yield role_name(role)
    for kind in ("group", "permission"):
        if facts.get(kind):
            yield role_name({"kind": kind, "name": facts[kind]})
    if "old" in facts and "new" in facts:
        yield f"{clean(facts['old'])} → {clean(facts['new'])}"
    if by := facts.get("by"):
        yield coded(BY, by)
    if exception := facts.get("exception"):
        yield clean(exception)
    if facts.get("rolled_back") is True:
        yield gettext("rolled back")
    if facts.get("session_kept") is False:
        yield gettext("session not kept")
    elif facts.get("session_kept") is True:
        yield gettext("session kept")


def coded(words: Mapping[str, Any], code: object) -> str:
    """Return the word for `code`; one that is unknown stands for itself."""
    return str(words.get(code) or clean(code)) if isinstance(code, str) else clean(code)


def is_role(value: object) -> bool:
    """Return whether `value` has the shape of ``metadata.role``."""
    return isinstance(value, Mapping) and set(value) == {"kind", "name"}


def role_name(role: Any) -> str:
    """Return a role in words."""
    return f"{coded(KINDS, role['kind'])} {clean(role['name'])}" if is_role(role) else clean(role)


def plain(value: Any) -> str:
    """Return a value of the metadata, or that it is empty, in words."""
    if value in (None, [], {}):
        return pgettext("no value", "none")
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return clean(value)

"""The OWASP Logging Vocabulary (https://cheatsheetseries.owasp.org), one JSON object a line.

The vocabulary separates an event's arguments by commas and defines no escape: a comma, a colon or
a percent sign within one is percent-encoded (RFC 3986), so that `parse()` gives it back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from django_authaudit import events
from django_authaudit.entry import Entry
from django_authaudit.formats import base
from django_authaudit.formats.base import filled

Argument = Callable[[Entry], str]
_LEVELS = ("INFO", "INFO", "WARN", "WARN", "CRITICAL")
"""By severity, for events that the vocabulary lacks."""


def dumps(entry: Entry) -> str:
    """Return `entry` as one line of JSON."""
    return base.one_line(to_dict(entry))


def to_dict(entry: Entry) -> dict[str, Any]:
    """Return `entry` as a record of the vocabulary; an event that it lacks keeps its code."""
    name = events.get(entry.event).owasp
    level, arguments = VOCABULARY.get(name, (_LEVELS[base.severity(entry)], (_user,)))
    return {
        "datetime": base.iso_time(entry.created_at).replace("Z", "+00:00"),
        "appid": base.service_name(),
        "event": _event(name or entry.event, [argument(entry) for argument in arguments]),
        "level": level,
        "description": _description(entry),
        **filled(
            useragent=entry.user_agent,
            source_ip=entry.ip_address,
            request_uri=entry.path,
            request_method=entry.method,
        ),
    }


def parse(event: str) -> tuple[str, list[str]]:
    """Return the name and the arguments of what stands as ``event`` in a record."""
    name, _, arguments = event.partition(":")
    return name, [unquote(argument) for argument in arguments.split(",")] if arguments else []


def _event(name: str, arguments: list[str]) -> str:
    while arguments and not arguments[-1]:
        del arguments[-1]
    return f"{name}:{','.join(map(_quote, arguments))}" if arguments else name


def _quote(argument: str) -> str:
    return argument.replace("%", "%25").replace(",", "%2C").replace(":", "%3A")


def _description(entry: Entry) -> str:
    reason = base.reason(entry)
    return f"{base.label(entry)}: {reason}" if reason else base.label(entry)


def _user(entry: Entry) -> str:
    return entry.username or _text(entry.user_id) or entry.email


def _actor(entry: Entry) -> str:
    return entry.actor_username or _text(entry.actor_id)


def _actor_or_user(entry: Entry) -> str:
    return _actor(entry) or _user(entry)


def _actor_or_address(entry: Entry) -> str:
    return _actor(entry) or entry.ip_address or ""


def _text(key: Any) -> str:
    return "" if key is None else str(key)


def _code(entry: Entry) -> str:
    return entry.event


def _fact(*names: str) -> Argument:
    """Return an argument that is the first of these keys of the metadata."""

    def read(entry: Entry) -> str:
        value = next((entry.metadata[name] for name in names if entry.metadata.get(name)), "")
        if isinstance(value, Mapping):
            value = value.get("name", "")
        return base.plain(value)

    return read


def _path(entry: Entry) -> str:
    return entry.path


def _agent(entry: Entry) -> str:
    return entry.user_agent


VOCABULARY: Mapping[str, tuple[str, tuple[Argument, ...]]] = {
    "authn_login_success": ("INFO", (_user,)),
    "authn_login_fail": ("WARN", (_user,)),
    "authn_login_lock": ("WARN", (_user, _fact("reason"))),
    "authn_password_change": ("INFO", (_user,)),
    "authn_password_change_fail": ("CRITICAL", (_user,)),
    "authn_token_created": ("INFO", (_user, _fact("kind"))),
    "authn_token_revoked": ("INFO", (_user, _fact("kind"))),
    "authz_admin": ("WARN", (_actor_or_user, _code)),
    "authz_change": ("WARN", (_user, _fact("old"), _fact("role", "permission", "new", "group"))),
    "authz_fail": ("CRITICAL", (_actor_or_user, _path)),
    "excess_rate_limit_exceeded": ("WARN", (_actor_or_address,)),
    "malicious_csrf": ("WARN", (_actor_or_address,)),
    "malicious_extraneous": ("CRITICAL", (_actor_or_address, _fact("exception"), _agent)),
    "sensitive_delete": ("WARN", (_actor, _code)),
    "sensitive_read": ("WARN", (_actor, _code)),
    "session_expired": ("INFO", (_user, _fact("reason", "by"))),
    "session_logout": ("INFO", (_user,)),
    "sys_crash": ("WARN", (_fact("reason"),)),
    "sys_monitor_disabled": ("WARN", (_actor, _code)),
    "sys_monitor_enabled": ("WARN", (_actor, _code)),
    "user_archived": ("WARN", (_actor, _user)),
    "user_created": ("WARN", (_actor, _user)),
    "user_deleted": ("WARN", (_actor, _user)),
    "user_updated": ("WARN", (_actor_or_user, _user, _code)),
}
"""The level and the arguments of each name that the catalogue uses."""

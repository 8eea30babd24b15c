"""The Open Cybersecurity Schema Framework, version 1.8 (https://schema.ocsf.io).

What the schema has no attribute for stands in ``unmapped``: nothing of an entry is lost.
"""

from __future__ import annotations

import re
from typing import Any

from django_authaudit import mapping
from django_authaudit.entry import Entry
from django_authaudit.formats import base
from django_authaudit.formats.base import filled

VERSION = "1.8.0"
VERSIONS = ("1.5.0", "1.6.0", "1.7.0", VERSION)
_FIRST_WITH_ACCOUNT_SWITCH = "1.6.0"

_METHODS = ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE")
# The schema's own pattern of an address; what was typed need not be one.
_EMAIL = re.compile(r"[a-zA-Z0-9!#$%&'*+-/=?^_`{|}~.]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+")
_STATUSES = {"success": 1, "failure": 2}
_NEW_FINDING = 1
_IMPERSONATE = 2
_NOBODY = {"name": "", "type_id": 0}
_NOWHERE = {"name": "", "type_id": 0}
_WITH_REQUEST = (
    mapping.ACCOUNT_CHANGE,
    mapping.AUTHENTICATION,
    mapping.USER_ACCESS,
    mapping.GROUP_MANAGEMENT,
    mapping.API,
)


def dumps(entry: Entry, version: str = VERSION) -> str:
    """Return `entry` as one line of JSON."""
    return base.one_line(to_dict(entry, version))


def check_options(version: str = VERSION) -> None:
    """Raise ValueError for a version of the schema that is not written."""
    if version not in VERSIONS:
        raise ValueError(f"OCSF {version!r} is not written; choose from {', '.join(VERSIONS)}.")


def to_dict(entry: Entry, version: str = VERSION) -> dict[str, Any]:
    """Return `entry` as an event of the schema's `version`."""
    class_uid, activity = mapping.row_of(entry).ocsf
    if activity == mapping.ACCOUNT_SWITCH and version < _FIRST_WITH_ACCOUNT_SWITCH:
        activity = mapping.OTHER
    return {
        "class_uid": class_uid,
        "category_uid": class_uid // 1000,
        "activity_id": activity,
        "type_uid": class_uid * 100 + activity,
        "time": entry.id.int >> 80,
        "severity_id": base.severity(entry) + 1,
        "status_id": _status(entry, class_uid),
        "message": base.label(entry),
        "metadata": _metadata(entry, version),
        **filled(
            activity_name=base.label(entry) if activity == mapping.OTHER else "",
            status_detail=base.reason(entry),
        ),
        **_people_and_places(entry, class_uid),
        **_required(entry, class_uid, activity),
        "unmapped": _unmapped(entry, class_uid),
    }


def _status(entry: Entry, class_uid: int) -> int:
    return _NEW_FINDING if class_uid == mapping.FINDING else _STATUSES.get(entry.outcome, 0)


def _metadata(entry: Entry, version: str) -> dict[str, Any]:
    return filled(
        version=version,
        product={"name": base.PRODUCT, "vendor_name": base.PRODUCT},
        uid=str(entry.id),
        event_code=entry.event,
        correlation_uid=entry.request_id,
        sequence=entry.sequence,
    )


def _people_and_places(entry: Entry, class_uid: int) -> dict[str, Any]:
    """Return the attributes that most classes have."""
    if class_uid in (mapping.BASE, mapping.FINDING):
        return {}
    actor = filled(uid=_text(entry.actor_id), name=entry.actor_username)
    facts = filled(
        actor={"user": actor} if actor else {},
        src_endpoint=filled(ip=entry.ip_address),
    )
    if class_uid in _WITH_REQUEST:
        facts |= filled(http_request=_request(entry))
    return facts


def _request(entry: Entry) -> dict[str, Any]:
    return filled(
        uid=entry.request_id,
        http_method=entry.method if entry.method in _METHODS else "",
        user_agent=entry.user_agent,
        url=filled(path=entry.path),
    )


def _required(entry: Entry, class_uid: int, activity: int) -> dict[str, Any]:
    """Return what a class has of its own; where it insists, what is unknown has no name."""
    if class_uid == mapping.AUTHENTICATION:
        switch = {"account_switch_type_id": _IMPERSONATE}
        return {
            "user": _user(entry) or _NOBODY,
            "service": {"name": base.service_name()},
            **filled(session=filled(uid=entry.session_ref)),
            **(switch if activity == mapping.ACCOUNT_SWITCH else {}),
        }
    if class_uid == mapping.ACCOUNT_CHANGE:
        return {"user": _user(entry) or _NOBODY}
    if class_uid == mapping.USER_ACCESS:
        return {"user": _user(entry) or _NOBODY, "privileges": [_role(entry)]}
    if class_uid == mapping.GROUP_MANAGEMENT:
        return {"group": {"name": _group(entry)}, **filled(user=_user(entry), **_granted(entry))}
    if class_uid == mapping.API:
        return _api(entry)
    if class_uid == mapping.EVENT_LOG:
        return {"log_name": base.PRODUCT}
    if class_uid == mapping.FINDING:
        return {"finding_info": {"uid": str(entry.id), "title": base.label(entry)}}
    return {}


def _api(entry: Entry) -> dict[str, Any]:
    api = {
        "operation": f"{entry.method} {entry.path}".strip(),
        "service": {"name": base.service_name()},
    }
    facts: dict[str, Any] = {"api": api}
    if entry.actor_id is None and not entry.actor_username:
        facts["actor"] = {"user": _user(entry) or _NOBODY}
    if not entry.ip_address:
        facts["src_endpoint"] = _NOWHERE
    return facts


def _user(entry: Entry) -> dict[str, Any]:
    return filled(
        uid=_text(entry.user_id),
        name=entry.username,
        email_addr=entry.email if _EMAIL.fullmatch(entry.email) else "",
    )


def _text(key: Any) -> str:
    return "" if key is None else str(key)


def _role(entry: Entry) -> str:
    role = entry.metadata.get("role")
    return base.plain(role.get("name", "") if isinstance(role, dict) else role or "")


def _group(entry: Entry) -> str:
    metadata = entry.metadata
    return base.plain(metadata.get("group") or metadata.get("new") or "") or _role(entry)


def _granted(entry: Entry) -> dict[str, Any]:
    permission = entry.metadata.get("permission")
    return {"privileges": [base.plain(permission)]} if permission else {}


def _unmapped(entry: Entry, class_uid: int) -> dict[str, Any]:
    """Return what the attributes of the class leave out."""
    facts: dict[str, Any] = {"metadata": dict(entry.metadata), "writer": _text(entry.writer)}
    if class_uid != mapping.AUTHENTICATION:
        facts["session_ref"] = entry.session_ref
    if class_uid not in _WITH_REQUEST:
        facts |= {"user_agent": entry.user_agent, "method": entry.method, "path": entry.path}
    elif entry.method not in _METHODS:
        facts["method"] = entry.method
    if class_uid in (mapping.BASE, mapping.FINDING, mapping.EVENT_LOG, mapping.API):
        facts |= {"user_id": entry.user_id, "username": entry.username, "email": entry.email}
    elif not _EMAIL.fullmatch(entry.email):
        facts["email"] = entry.email
    if class_uid in (mapping.BASE, mapping.FINDING):
        facts |= {"actor_username": entry.actor_username, "ip_address": entry.ip_address}
        facts["actor_id"] = entry.actor_id
    return filled(**facts)

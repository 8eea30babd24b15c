"""The Elastic Common Schema, version 9 (https://www.elastic.co/docs/reference/ecs).

What the schema has no field for stands in ``labels``, all of it as text: a field that is a number
in one entry and an object in the next would be refused by the index, and the entry lost.
"""

from __future__ import annotations

from typing import Any

from django_authaudit import mapping
from django_authaudit.entry import Entry
from django_authaudit.formats import base
from django_authaudit.formats.base import filled

VERSION = "9.0.0"


def dumps(entry: Entry) -> str:
    """Return `entry` as one line of JSON."""
    return base.one_line(to_dict(entry))


def to_dict(entry: Entry) -> dict[str, Any]:
    """Return `entry` as a document of the schema."""
    people = _people(entry)
    names = sorted({entry.username, entry.actor_username} - {""})
    return {
        "@timestamp": base.iso_time(entry.created_at),
        "ecs": {"version": VERSION},
        "message": base.label(entry),
        "event": _event(entry),
        "service": {"name": base.service_name()},
        **filled(
            user=people,
            source=filled(ip=entry.ip_address),
            user_agent=filled(original=entry.user_agent),
            http=filled(request=filled(id=entry.request_id, method=entry.method)),
            url=filled(path=entry.path),
            related=filled(user=names, ip=[entry.ip_address] if entry.ip_address else []),
            labels=_labels(entry),
        ),
    }


def _event(entry: Entry) -> dict[str, Any]:
    row = mapping.row_of(entry)
    finding = row.ocsf[0] == mapping.FINDING
    return filled(
        kind="alert" if finding else "event",
        category=list(row.categories),
        type=list(row.types),
        action=entry.event,
        outcome=entry.outcome,
        id=str(entry.id),
        module=base.PRODUCT,
        dataset=f"{base.PRODUCT}.log",
        severity=base.severity(entry) + 1,
        sequence=entry.sequence,
        reason=base.reason(entry),
    )


def _people(entry: Entry) -> dict[str, Any]:
    """Return the performer, and within it the account: changed by it, or acted as."""
    account = _person(entry.user_id, entry.username, entry.email)
    actor = _person(entry.actor_id, entry.actor_username, "")
    if "iam" in mapping.row_of(entry).categories:
        return filled(**actor, target=account)
    if actor and entry.user_id is not None and entry.actor_id != entry.user_id:
        return filled(**actor, effective=account)
    return account or actor


def _person(key: Any, name: str, email: str) -> dict[str, Any]:
    return filled(id="" if key is None else str(key), name=name, email=email)


def _labels(entry: Entry) -> dict[str, str]:
    """Return what has no field; a dot in a name would make an object of it."""
    labels = {
        key.replace(".", "_"): base.plain(value)
        for key, value in entry.metadata.items()
        if key != "reason"
    }
    labels["session_ref"] = entry.session_ref
    labels["writer"] = str(entry.writer or "")
    return filled(**labels)

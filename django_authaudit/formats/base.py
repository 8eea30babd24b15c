"""What the formats share."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import ENVIRONMENT_VARIABLE
from django.utils.translation import override

from django_authaudit import events
from django_authaudit.cleaning import is_safe_integer, show_unsafe
from django_authaudit.conf import conf
from django_authaudit.entry import Entry

PRODUCT = "django_authaudit"
SEVERITIES = ("info", "low", "medium", "high", "critical")


def columns(entry: Entry) -> dict[str, Any]:
    """Return the columns of `entry` as JSON data, with `created_at`, in the table's order."""
    values: dict[str, Any] = {}
    for name in _NAMES:
        value = getattr(entry, name)
        values[name] = str(value) if isinstance(value, UUID) else value
    for name in ("user_id", "actor_id"):
        if values[name] is not None and not is_safe_integer(values[name]):
            values[name] = str(values[name])
    values["created_at"] = iso_time(entry.created_at)
    return values


_NAMES = tuple(field.name for field in fields(Entry))


def iso_time(moment: datetime) -> str:
    """Return a UTC time in ISO 8601 with milliseconds and ``Z``."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def one_line(values: Mapping[str, Any]) -> str:
    """Return JSON of ASCII only, so that no reader sees a line break in it."""
    return json.dumps(values, separators=(",", ":"))


def plain(value: object) -> str:
    """Return `value` as text without line breaks or anything else that acts on a reader."""
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    return show_unsafe(text)


def filled(**values: Any) -> dict[str, Any]:
    """Return `values` without those that say nothing."""
    return {name: value for name, value in values.items() if value not in (None, "", {}, [], ())}


def label(entry: Entry) -> str:
    """Return the event in English, whatever language is active."""
    with override(None):
        return str(events.get(entry.event).label)


def severity(entry: Entry) -> int:
    """Return the place of the event's severity in `SEVERITIES`; one of its own counts as info."""
    name = events.get(entry.event).severity
    return SEVERITIES.index(name) if name in SEVERITIES else 0


def reason(entry: Entry) -> str:
    """Return why it failed, if the entry says so."""
    return plain(entry.metadata["reason"]) if entry.metadata.get("reason") else ""


def service_name() -> str:
    """Return what the site is called: AUTHAUDIT_SERVICE_NAME, or its settings' package."""
    name: Any = conf.AUTHAUDIT_SERVICE_NAME
    if isinstance(name, str) and name:
        return name
    return os.environ.get(ENVIRONMENT_VARIABLE, "django").partition(".")[0]

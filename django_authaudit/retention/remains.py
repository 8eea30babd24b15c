"""What is left of an entry when somebody in it is erased: what happened, under a pseudonym."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from django_authaudit.entry import Entry
from django_authaudit.exceptions import TamperedError
from django_authaudit.integrity import erasures
from django_authaudit.people import Person

IMPERSONAL = frozenset(
    (
        "backend",
        "by",
        "code",
        "codes",
        "command",
        "count",
        "event",
        "exception",
        "factor",
        "field",
        "group",
        "hold",
        "incomplete",
        "interrupted",
        "kind",
        "mfa",
        "permission",
        "reason",
        "remembered",
        "role",
        "roles",
        "rolled_back",
        "session_kept",
        "truncated",
        "unusable",
        "via",
        "view",
    )
)
"""Keys of ``metadata`` that stay in an entry about the person: they say what happened."""
_REQUEST = {
    "ip_address": None,
    "user_agent": "",
    "session_ref": "",
    "request_id": "",
}


def remains_of(entry: Entry, person: Person, pseudonym: str) -> Entry | None:
    """Return `entry` without the values of `person`, signed; None: they are not in it.

    Of another person in it nothing is taken but the path, which may name the first. Raises
    TamperedError for an entry that is not as it was signed.
    """
    concerned, behind = person.is_concerned_by(entry), person.is_behind(entry)
    if not (concerned or behind):
        return None
    values: dict[str, Any] = {"path": ""}
    if concerned:
        values |= {"user_id": None, "username": pseudonym, "email": ""}
    if behind:
        values |= {"actor_id": None, "actor_username": pseudonym}
    if behind or (entry.actor_id is None and not entry.actor_username):
        values |= _REQUEST
    removed = {getattr(entry, name) for name in values} | person.names
    texts = {value for value in removed if isinstance(value, str) and value}
    # An entry without a signature may have been written over with any JSON.
    given: Any = entry.metadata
    metadata = dict(given) if isinstance(given, Mapping) else {}
    if concerned:
        metadata = {key: value for key, value in metadata.items() if key in IMPERSONAL}
    metadata.pop("untrusted_forwarded_for", None)
    remains = replace(entry, **values, metadata=scrub(metadata, texts, pseudonym), salt="")
    # An entry of before there were signatures has none to keep.
    return erasures.seal_remains(entry, remains) if entry.leaf else remains


def unsigned_remains_of(entry: Entry, person: Person, pseudonym: str) -> Entry | None:
    """Return what is left of an entry outside the log, whose signature proves nothing."""
    try:
        return remains_of(entry, person, pseudonym)
    except TamperedError:
        return remains_of(replace(entry, leaf="", signature=""), person, pseudonym)


def scrub(value: Any, texts: Iterable[str], pseudonym: str) -> Any:
    """Return `value`, JSON data, with each of `texts` as a word replaced by the pseudonym."""
    words = sorted(filter(None, texts), key=len, reverse=True)
    if not words:
        return value
    pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)"
    return _scrub(value, re.compile(pattern, re.IGNORECASE), pseudonym)


def _scrub(value: Any, words: re.Pattern[str], pseudonym: str) -> Any:
    if isinstance(value, str):
        return words.sub(pseudonym, value)
    if isinstance(value, Mapping):
        return {key: _scrub(item, words, pseudonym) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrub(item, words, pseudonym) for item in value]
    return value

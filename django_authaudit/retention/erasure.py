"""A person's erasure: their values go, what happened stays, and the proof of it holds."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet

from django_authaudit import delivery, events, hardening, replay, spool
from django_authaudit.entry import Entry
from django_authaudit.exceptions import AuthAuditError, PersonError, TamperedError
from django_authaudit.formats import jsonl
from django_authaudit.integrity import erasures
from django_authaudit.integrity.condition import Condition, condition_of
from django_authaudit.integrity.rows import Reader
from django_authaudit.models import AuditHold
from django_authaudit.people import NOBODY, SEVERAL, Person
from django_authaudit.querysets import AuditLogQuerySet, readable
from django_authaudit.recorder import record
from django_authaudit.retention import holds
from django_authaudit.retention.archives import open_archive
from django_authaudit.retention.batches import patiently
from django_authaudit.retention.periods import entries_of
from django_authaudit.retention.pruning import record_archived
from django_authaudit.retention.remains import remains_of, scrub, unsigned_remains_of

ROWS_A_TRANSACTION = 100
_COLUMNS = (
    "user_id",
    "username",
    "email",
    "actor_id",
    "actor_username",
    "ip_address",
    "user_agent",
    "session_ref",
    "request_id",
    "path",
    "metadata",
    "salt",
    "signature",
)


class ErasureError(AuthAuditError):
    """Raised when somebody cannot be erased now."""


@dataclass
class Erased:
    """What was done, or would be."""

    pseudonym: str
    entries: int = 0
    """In the table."""
    elsewhere: int = 0
    """In archives, and among what the spool has set aside."""
    tampered: list[UUID] = field(default_factory=list)
    """Entries that are not as they were signed: they were left alone."""


def erase(person: Person, *, operator: str, using: str, archives: Sequence[Path] = ()) -> Erased:
    """Take the values of `person` out of the log, its spool and `archives`; record that.

    What happened stays under a pseudonym, and verification passes. Killed at any point, it is
    finished by another run. Raises HoldError for somebody who is held, ErasureError while another
    process replays the spool, and ArchiveError, SpoolError, OSError and the database's errors.
    """
    _refuse_held(person, using)
    done = Erased(f"erased-{secrets.token_hex(8)}")
    for folder in archives:
        done.elsewhere += _erase_in_archive(folder, person, done.pseudonym, using)
    _empty_spool(using)
    for path in spool.files(using, (spool.SET_ASIDE,)):
        done.elsewhere += _erase_in_lines(path, person, done.pseudonym)
    _forget_in_holds(person, done.pseudonym, using)
    # Last, for the table is where a person is found by the next run.
    _erase_in_table(person, done, using)
    record(
        events.AUDIT_ERASED,
        metadata={
            "pseudonym": done.pseudonym,
            "count": done.entries,
            "elsewhere": done.elsewhere,
            "operator": operator,
            "database": using,
        },
    )
    return done


def would_erase(person: Person, *, using: str, archives: Sequence[Path] = ()) -> Erased:
    """Return what `erase()` would do now, without doing it; raise as it does."""
    _refuse_held(person, using)
    found = Erased("", entries=person.among(entries_of(using)).count())
    for folder in archives:
        with open_archive(folder, spool.identity(using)) as archive:
            entries = chain.from_iterable(map(archive.entries, archive.manifests()))
            found.elsewhere += sum(1 for entry in entries if _names(person, entry))
    for path in spool.files(using, (spool.OPEN, spool.CLAIMED, spool.SET_ASIDE)):
        found.elsewhere += sum(1 for entry in _entries_in(path) if _names(person, entry))
    return found


def find_archived(text: str, *, using: str, archives: Sequence[Path]) -> Person:
    """Return who is meant by `text`, a name or a key, whom only `archives` know.

    Raises PersonError for nobody, and for a name that several accounts had.
    """
    found: dict[Any, Person] = {}
    for folder in archives:
        with open_archive(folder, spool.identity(using)) as archive:
            for entry in chain.from_iterable(map(archive.entries, archive.manifests())):
                if text in (entry.username, str(entry.user_id)):
                    found[entry.user_id] = Person(entry.user_id, entry.username, entry.email)
    if len(found) > 1:
        raise PersonError(SEVERAL.format(text))
    if not found:
        raise PersonError(NOBODY.format(text))
    return found.popitem()[1]


def _refuse_held(person: Person, using: str) -> None:
    """Raise HoldError if a hold in force names `person` or covers an entry of theirs."""
    active = holds.active(using)
    named = active.filter(_same(person))
    covering = named.first() or next(
        (each for each in active if holds.held(person.among(entries_of(using)), [each]).exists()),
        None,
    )
    if covering is not None:
        raise holds.HoldError(
            f"Hold {covering.pk} keeps entries of this person ({covering.reason}): release it "
            "first."
        )


def _same(person: Person) -> Q:
    condition = Q(username__in=person.names) | Q(email__in=person.names)
    return condition if person.key is None else condition | Q(user_id=person.key)


def _names(person: Person, entry: Entry) -> bool:
    return person.is_concerned_by(entry) or person.is_behind(entry)


# --- the table


def _erase_in_table(person: Person, done: Erased, using: str) -> None:
    entries = entries_of(using)
    rest = person.among(entries).order_by("pk").values_list("pk", flat=True)
    while ids := _ids(rest[:ROWS_A_TRANSACTION]):
        erased, tampered = patiently(partial(_erase_rows, ids, entries, person, done.pseudonym))
        done.entries += erased
        done.tampered += tampered
        rest = rest.filter(pk__gt=ids[-1])


@readable()
def _ids(found: Iterable[UUID]) -> list[UUID]:
    return list(found)


def _erase_rows(
    ids: Sequence[UUID], entries: AuditLogQuerySet, person: Person, pseudonym: str
) -> tuple[int, list[UUID]]:
    taken: list[tuple[UUID | None, int, str]] = []
    with transaction.atomic(using=entries.db, durable=True):
        with hardening.permitted(hardening.UPDATE, entries.db):
            # Locked before they are judged.
            list(entries.filter(pk__in=ids).select_for_update().values_list("pk"))
            tampered = _tampered(ids, entries.db)
            for entry in _read([id for id in ids if id not in tampered], entries, tampered):
                remains = remains_of(entry, person, pseudonym)
                if remains is not None:
                    _store(remains, entries)
                    taken.append((entry.writer, entry.sequence, entry.leaf))
        erasures.record(taken, using=entries.db)
    return len(taken), tampered


def _tampered(ids: Sequence[UUID], using: str) -> list[UUID]:
    """Return those of `ids` whose rows are not as they were signed, though Django reads them so.

    Once erased, nothing would tell that they had been edited.
    """
    return [
        UUID(row.content["id"])
        for row in Reader(using).of(ids)
        if row.leaf and condition_of(row) in (Condition.EDITED, Condition.FORGED)
    ]


def _read(ids: Sequence[UUID], entries: AuditLogQuerySet, tampered: list[UUID]) -> Iterator[Entry]:
    """Yield the entries of `ids`, and add those to `tampered` that cannot be read."""
    try:
        yield from list(entries.filter(pk__in=ids).entries())
        return
    except TamperedError:
        # One row that was written over must not keep the others.
        pass
    for id in ids:
        try:
            yield from list(entries.filter(pk=id).entries())
        except TamperedError:
            tampered.append(id)


def _store(remains: Entry, entries: AuditLogQuerySet) -> None:
    values = {name: getattr(remains, name) for name in _COLUMNS}
    # The queryset of the log refuses every update but this one.
    QuerySet.update(entries.filter(pk=remains.id), **values)


def _forget_in_holds(person: Person, pseudonym: str, using: str) -> None:
    with transaction.atomic(using=using), hardening.permitted(hardening.UPDATE, using):
        AuditHold.objects.using(using).filter(_same(person)).update(
            user_id=None, username=pseudonym, email=""
        )


# --- files


def _erase_in_archive(folder: Path, person: Person, pseudonym: str, using: str) -> int:
    count = 0
    with open_archive(folder, spool.identity(using)) as archive:
        for manifest in list(archive.manifests()):
            found = sum(1 for entry in archive.entries(manifest) if _names(person, entry))
            if found:
                remains = (
                    unsigned_remains_of(entry, person, pseudonym) or entry
                    for entry in archive.entries(manifest)
                )
                record_archived(archive.replace(manifest, remains))
                count += found
    return count


def _empty_spool(using: str) -> None:
    if not delivery.replay_all(using, replay.Replayed()):
        raise ErasureError(
            "Another process replays the spool, or another user owns it: run "
            "replay_audit_log first."
        )


def _erase_in_lines(path: Path, person: Person, pseudonym: str) -> int:
    """Erase in a file that was set aside; return how many lines have changed."""
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    changed = [_line_without(line, person, pseudonym) for line in lines]
    if changed == lines:
        return 0
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write("".join(f"{line}\n" for line in changed).encode(errors="surrogateescape"))
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    return sum(before != after for before, after in zip(lines, changed, strict=True))


def _line_without(line: str, person: Person, pseudonym: str) -> str:
    entry = _entry_in(line)
    if entry is None:
        return str(scrub(line, person.names, pseudonym))
    remains = unsigned_remains_of(entry, person, pseudonym)
    if remains is None:
        return line
    values: dict[str, Any] = {**json.loads(line), **jsonl.to_dict(remains)}
    return json.dumps(values, separators=(",", ":"))


def _entries_in(path: Path) -> Iterator[Entry]:
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        yield from filter(None, map(_entry_in, lines))


def _entry_in(line: str) -> Entry | None:
    try:
        return jsonl.from_dict(json.loads(line))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None

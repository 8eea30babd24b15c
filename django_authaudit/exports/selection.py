"""Which entries are meant, by what a person asks for."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from django_authaudit import events
from django_authaudit.addresses import IpNetwork, address_text, parse_address
from django_authaudit.entry import Entry
from django_authaudit.exceptions import ExportError
from django_authaudit.models import AuditLog
from django_authaudit.people import Person
from django_authaudit.querysets import AuditLogQuerySet


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which entries are meant; what is not said does not matter."""

    since: datetime | None = None
    until: datetime | None = None
    """Up to, but not including, this moment."""
    event: str = ""
    """A code, or its first words: ``auth.login`` is both ``.success`` and ``.failure``."""
    outcome: str = ""
    person: Person | None = None
    ip: str = ""
    """An address, or a network such as ``203.0.113.0/24``."""
    actor: Person | None = None
    """Who was behind it."""
    reason: str = ""
    """Why it was refused, as `metadata` has it: ``invalid_password``."""
    request: str = ""
    """The id of a request."""
    session: str = ""
    """The keyed hash of a session's key, as entries have it."""

    def entries(self, using: str) -> Iterator[Entry]:
        """Yield the entries, oldest first.

        Raises ExportError, before the first one, for an event that neither the catalogue nor the
        log knows and for what is no address.
        """
        found = self._in_time(AuditLog.objects.using(using))
        if self.event:
            found = _of_event(found, self.event)
        exactly = {
            "outcome": self.outcome,
            "metadata__reason": self.reason,
            "request_id": self.request,
            "session_ref": self.session,
        }
        found = found.filter(**{name: value for name, value in exactly.items() if value})
        if self.person is not None:
            found = self.person.among(found)
        if self.actor is not None:
            found = self.actor.behind(found)
        return self._from_address(found)

    def facts(self) -> dict[str, str]:
        """Return what was asked for as text, for the entry that the export leaves."""
        asked = {
            "since": self.since and self.since.isoformat(),
            "until": self.until and self.until.isoformat(),
            "event": self.event,
            "outcome": self.outcome,
            "user": self.person and self.person.name,
            "ip": self.ip,
            "actor": self.actor and self.actor.name,
            "reason": self.reason,
            "request": self.request,
            "session": self.session,
        }
        return {name: value for name, value in asked.items() if value}

    def _in_time(self, entries: AuditLogQuerySet) -> AuditLogQuerySet:
        if self.since is not None:
            entries = entries.since(self.since)
        return entries.older_than(self.until) if self.until is not None else entries

    def _from_address(self, entries: AuditLogQuerySet) -> Iterator[Entry]:
        if not self.ip:
            return entries.entries()
        if address := address_text(parse_address(self.ip)):
            return entries.for_ip(address).entries()
        try:
            network = ipaddress.ip_network(self.ip, strict=False)
        except ValueError:
            raise ExportError(
                f"{self.ip!r} is no address and no network, such as 203.0.113.0/24."
            ) from None
        return _within(network, entries.entries())


def _of_event(entries: AuditLogQuerySet, event: str) -> AuditLogQuerySet:
    code = event.rstrip(".")
    found = entries.filter(Q(event=code) | Q(event__startswith=f"{code}."))
    known = any(f"{known.code}.".startswith(f"{code}.") for known in events.registered())
    if not known and not found.exists():
        raise ExportError(f"No event is called {event!r}, and none begins with it.")
    return found


def _within(network: IpNetwork, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yield those of `entries` from `network`; the databases have no such question in common."""
    for entry in entries:
        address = parse_address(entry.ip_address or "")
        if address is not None and address in network:
            yield entry

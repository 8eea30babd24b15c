"""The page of one account, name, address, session or request: its facts and its timeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from django_authaudit import devices, investigation, words
from django_authaudit.addresses import address_text, parse_address
from django_authaudit.admin import cells, links
from django_authaudit.admin.detail import Row, Section, account_link
from django_authaudit.admin.filters import AFTER_VAR, BEFORE_VAR
from django_authaudit.admin.pivots import account_key
from django_authaudit.cleaning import clean_text
from django_authaudit.entry import LIMITS
from django_authaudit.investigation import Facts, Subject, Tally
from django_authaudit.models import AuditLog

PAGE = 50
KINDS: dict[str, str | Promise] = {
    "account": _("Account"),
    "name": _("Name"),
    "address": _("Address"),
    "session": _("Session"),
    "request": _("Request"),
}
_WANTED: dict[str, Callable[[str], Any]] = {
    "account": account_key,
    "address": lambda value: address_text(parse_address(value)),
}


def subject_of(kind: str, request: HttpRequest) -> Subject:
    """Return what the address of the page names; raise Http404 if there is no such thing."""
    if kind not in KINDS:
        raise Http404
    longest = LIMITS.get(investigation.COLUMNS[kind][0], LIMITS["username"])
    value = clean_text(request.GET.get("of", ""), longest)[0]
    found = _WANTED.get(kind, str)(value)
    if found in (None, ""):
        raise Http404
    return Subject(kind, found)


@dataclass(frozen=True)
class Part:
    """Values that occur among the entries, most frequent first."""

    title: str | Promise
    tallies: list[Any] = field(default_factory=list)


class Investigation:
    """What the page of `subject` shows."""

    def __init__(self, admin: Any, request: HttpRequest, subject: Subject) -> None:
        self._admin = admin
        self._request = request
        self.subject = subject

    @cached_property
    def facts(self) -> Facts:
        """What the log knows."""
        return investigation.facts(self.subject)

    @cached_property
    def page(self) -> Any:
        """The part of the timeline that is shown."""
        try:
            before, after = (_position(self._request, name) for name in (BEFORE_VAR, AFTER_VAR))
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return investigation.timeline(self.subject, PAGE, before=before, after=after)

    @property
    def title(self) -> str:
        """The kind of the subject, and its name as the log last knew it."""
        name = str(self.subject.value)
        if self.subject.kind == "account":
            known = self.facts.accounts
            name = known[0].name if known else f"#{name}"
        return f"{KINDS[self.subject.kind]} {words.clean(name)}"

    @property
    def sections(self) -> list[Section]:
        """What is known, in a few lines."""
        found = [Section(_("In short"), self._summary())]
        if self.subject.kind == "account":
            found.append(Section(_("Access, by the log"), self._access()))
        return found

    @property
    def parts(self) -> list[Part]:
        """Where it leads: everything else that its entries name."""
        facts = self.facts
        found = [
            ("account", Part(_("Accounts"), [self._row("account", t) for t in facts.accounts])),
            ("address", Part(_("Addresses"), [self._row("address", t) for t in facts.addresses])),
            ("agent", Part(_("Devices"), [self._row("agent", t) for t in facts.agents])),
            ("session", Part(_("Sessions"), [self._row("session", t) for t in facts.sessions])),
        ]
        return [part for kind, part in found if kind != self.subject.kind and part.tallies]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The entries of the page as cells."""
        to = self.to
        return [
            {
                "time": cells.time(entry.created_at),
                "url": self._page_of("change", entry.pk),
                "event": cells.event(entry),
                "outcome": cells.outcome(entry.outcome),
                "user": cells.user(entry, to),
                "actor": cells.actor(entry, to),
                "address": cells.address(entry, to),
                "why": cells.short(words.why(entry)),
                "request": to("request", entry.request_id) if entry.request_id else "",
            }
            for entry in self.page.entries
        ]

    @property
    def newer_url(self) -> str:
        """The query string of the page before, or nothing."""
        return self._turned(AFTER_VAR, self.page.newer)

    @property
    def older_url(self) -> str:
        """The query string of the page after, or nothing."""
        return self._turned(BEFORE_VAR, self.page.older)

    @property
    def extent(self) -> str:
        """What the facts are told from."""
        looked_at = self.facts.looked_at
        form = ngettext(
            "told from the newest entry", "told from the newest %(number)s entries", looked_at
        )
        return form % {"number": looked_at}

    @property
    def list_url(self) -> str:
        """The address of the same entries in the list, where they can be filtered."""
        return self._page_of("changelist") + cells.to_list(*self.subject)

    @property
    def account_url(self) -> str:
        """The address of the account's own page, if there is one that may be seen."""
        if self.subject.kind != "account":
            return ""
        found = account_link(self._admin, self._request, self.subject.value)
        return found[0].url if found else ""

    def to(self, kind: str, value: Any) -> str:
        """Return the address of the page of `value`."""
        return links.investigation(self._admin.admin_site.name, kind, value)

    def _summary(self) -> list[Row]:
        facts = self.facts
        rows = [
            Row(_("First seen"), cells.exact_time(facts.first) if facts.first else ""),
            Row(_("Last seen"), cells.exact_time(facts.last) if facts.last else ""),
            Row(_("Entries"), cells.extent(facts.count)),
        ]
        if self.subject.kind in ("account", "name", "address"):
            success = facts.attempts.success
            rows += [
                Row(_("Last signed in"), cells.exact_time(success) if success else ""),
                Row(_("Failures since then"), str(facts.attempts.failures)),
            ]
        return rows

    def _access(self) -> list[Row]:
        roles = [words.role_name(state.facts["role"]) for state in self.facts.roles]
        factors = [words.clean(state.facts.get("kind", "?")) for state in self.facts.factors]
        return [
            Row(_("Roles"), ", ".join(roles)),
            Row(_("MFA"), ", ".join(factors) or gettext("no factor enrolled, by the log")),
        ]

    def _row(self, kind: str, tally: Tally) -> dict[str, Any]:
        name, link = words.clean(tally.name), ""
        if kind == "account":
            key, typed = tally.value
            link = self.to("name", typed) if key is None else self.to("account", key)
        elif kind == "agent":
            name = devices.describe(tally.name) or name
        else:
            link = self.to(kind, tally.value)
        return {
            "name": name,
            "whole": words.clean(tally.name),
            "link": link,
            "number": tally.number,
            "failures": tally.failures,
            "last": cells.time(tally.last),
        }

    def _turned(self, name: str, id: UUID | None) -> str:
        if id is None:
            return ""
        return f"?{urlencode({'of': self.subject.value, name: id})}"

    def _page_of(self, page: str, *args: Any) -> str:
        return links.page(self._admin.admin_site.name, AuditLog, page, *args)


def _position(request: HttpRequest, name: str) -> UUID | None:
    value = request.GET.get(name, "")
    return UUID(value) if value else None

"""One entry, whole: its columns in sections, with links to what belongs to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from django_authaudit import words
from django_authaudit.admin import cells, links
from django_authaudit.models import AuditLog

_DEEPEST = 8


@dataclass(frozen=True)
class Link:
    """Where else to look."""

    url: str
    text: str | Promise


@dataclass(frozen=True)
class Row:
    """A column, its value as text or as escaped HTML, and where that leads."""

    label: str | Promise
    value: str
    links: list[Link] = field(default_factory=list)
    code: bool = False


@dataclass(frozen=True)
class Section:
    """Rows that answer one question."""

    title: str | Promise
    rows: list[Row] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    wide: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Fact:
    """A key of the metadata with its value: text, or facts in turn."""

    key: str
    text: str = ""
    facts: list[Fact] = field(default_factory=list)


def sections(admin: ModelAdmin[Any], request: HttpRequest, entry: AuditLog) -> list[Section]:
    """Return what the page of `entry` shows; may query whether its accounts still exist."""
    page = _Page(admin, request, entry)
    return [page.what(), page.who(), page.where(), page.details(), page.evidence()]


class _Page:
    def __init__(self, admin: ModelAdmin[Any], request: HttpRequest, entry: AuditLog) -> None:
        self._admin = admin
        self._request = request
        self._entry = entry

    def what(self) -> Section:
        entry = self._entry
        return Section(
            _("What happened"),
            [
                Row(_("Time"), cells.exact_time(entry.created_at)),
                Row(_("Event"), words.clean(entry.event), code=True),
                Row(_("Outcome"), cells.outcome(entry.outcome)),
                Row(_("Reason"), words.why(entry)),
            ],
        )

    def who(self) -> Section:
        entry = self._entry
        user_links, actor_links = self._user_links(), []
        if entry.actor_id is not None:
            actor_links = [self._list(_("All entries by this actor"), actor_id=entry.actor_id)]
            if entry.actor_id != entry.user_id:
                actor_links += self._account(entry.actor_id)
        return Section(
            _("Who"),
            [
                Row(_("User"), _named(entry.username, entry.user_id), user_links),
                Row(_("E-mail address"), words.clean(entry.email)),
                Row(_("Actor"), _named(entry.actor_username, entry.actor_id), actor_links),
            ],
        )

    def where(self) -> Section:
        entry = self._entry
        address, request, session = [], [], []
        if entry.ip_address:
            link = self._list(_("All entries from this address"), ip_address=entry.ip_address)
            address = [link, self._investigate("address", entry.ip_address)]
        if entry.request_id:
            link = self._list(_("All entries of this request"), request_id=entry.request_id)
            request = [link, self._investigate("request", entry.request_id)]
        if entry.session_ref:
            link = self._list(_("All entries of this session"), session_ref=entry.session_ref)
            session = [link, self._investigate("session", entry.session_ref)]
        return Section(
            _("From where"),
            [
                Row(_("Address"), entry.ip_address or "", address),
                Row(_("User agent"), words.clean(entry.user_agent)),
                Row(_("Method"), words.clean(entry.method)),
                Row(_("Path"), words.clean(entry.path), code=True),
                Row(_("Request"), words.clean(entry.request_id), request, code=True),
                Row(_("Session"), words.clean(entry.session_ref), session, code=True),
            ],
        )

    def details(self) -> Section:
        return Section(_("Details"), facts=_facts(self._entry.metadata))

    def evidence(self) -> Section:
        entry = self._entry
        rows = [
            Row(_("ID"), str(entry.pk), code=True),
            Row(_("Writer"), str(entry.writer or ""), code=True),
            Row(_("Sequence"), str(entry.sequence)),
            Row(_("Salt"), words.clean(entry.salt), code=True),
            Row(_("Fingerprint"), words.clean(entry.leaf), code=True),
            Row(_("Signature"), words.clean(entry.signature), code=True),
        ]
        return Section(_("Evidence"), rows, wide=True, folded=True)

    def _user_links(self) -> list[Link]:
        entry = self._entry
        if entry.user_id is not None:
            every = self._list(_("All entries of this user"), user_id=entry.user_id)
            investigate = self._investigate("account", entry.user_id)
            return [every, investigate, *self._account(entry.user_id)]
        name = entry.username or entry.email
        if not name:
            return []
        every = self._list(_("All entries of this name"), q=name)
        return [every, self._investigate("name", name)]

    def _list(self, text: str | Promise, **parameters: Any) -> Link:
        url = links.page(self._admin.admin_site.name, AuditLog, "changelist")
        return Link(f"{url}?{urlencode(parameters)}", text)

    def _account(self, key: Any) -> list[Link]:
        return account_link(self._admin, self._request, key)

    def _investigate(self, kind: str, value: Any) -> Link:
        site = self._admin.admin_site.name
        return Link(links.investigation(site, kind, value), _("Investigate"))


def account_link(admin: ModelAdmin[Any], request: HttpRequest, key: Any) -> list[Link]:
    """Return a link to the account's own page, if it exists and may be seen."""
    model, site = get_user_model(), admin.admin_site
    if not site.is_registered(model):
        return []
    accounts = site.get_model_admin(model)
    account = accounts.get_object(request, str(key))
    if account is None or not accounts.has_view_or_change_permission(request, account):
        return []
    return [Link(links.page(site.name, model, "change", quote(key)), _("The account"))]


def _named(name: str, key: Any) -> str:
    shown = words.clean(name)
    return shown if key is None else f"{shown} (#{key})".lstrip()


def _facts(value: Any, depth: int = 0) -> list[Fact]:
    """Return JSON data as facts; what is no object has no keys."""
    if isinstance(value, Mapping):
        return [_fact(words.key(str(name)), item, depth) for name, item in value.items()]
    items = value if isinstance(value, list) else [value]
    return [_fact("", item, depth) for item in items]


def _fact(key: str, value: Any, depth: int) -> Fact:
    if words.is_role(value):
        return Fact(key, words.role_name(value))
    if isinstance(value, (Mapping, list)) and value and depth < _DEEPEST:
        return Fact(key, facts=_facts(value, depth + 1))
    return Fact(key, words.plain(value))

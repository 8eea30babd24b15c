"""The cells of the list as HTML. Every value is cleaned, escaped and isolated from its neighbours.

``<bdi>`` keeps a right-to-left name from rearranging what stands next to it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from django_authaudit import words
from django_authaudit.reading import Count

NOTHING = ""
Leads = Callable[[str, Any], str]
"""Returns the address of what is known of an account, actor, name or address."""
_PARAMETERS = {
    "account": "user_id",
    "actor": "actor_id",
    "name": "q",
    "address": "ip_address",
    "session": "session_ref",
    "request": "request_id",
}


def to_list(kind: str, value: Any) -> str:
    """Return the query string of the list's entries of `value`."""
    return "?" + urlencode({_PARAMETERS[kind]: value})


def time(moment: datetime) -> SafeString:
    """Return `moment` in the reader's time zone, and in UTC on hover."""
    utc = moment.astimezone(timezone.utc)
    return format_html(
        '<time class="authaudit-time" datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(timespec="milliseconds"),
        _to_millisecond(utc),
        f"{words.local_time(moment):%Y-%m-%d %H:%M:%S}",
    )


def exact_time(moment: datetime) -> SafeString:
    """Return `moment` to the millisecond, with the name of the reader's time zone, and in UTC."""
    local, utc = words.local_time(moment), moment.astimezone(timezone.utc)
    return format_html(
        '<time datetime="{}">{} {}</time> '
        '<span class="authaudit-quiet authaudit-utc">{} UTC</span>',
        utc.isoformat(timespec="milliseconds"),
        _to_millisecond(local),
        local.tzname(),
        _to_millisecond(utc),
    )


def event(entry: Any) -> SafeString:
    """Return the event in words, and its code on hover."""
    return format_html('<span title="{}">{}</span>', words.clean(entry.event), words.label(entry))


def outcome(code: str) -> SafeString:
    """Return the outcome by colour, by sign and in words."""
    known = code if code in words.SIGNS else "unknown"
    return format_html(
        '<span class="authaudit-outcome authaudit-{}">'
        '<span aria-hidden="true">{}</span> {}</span>',
        known,
        words.SIGNS.get(code, "?"),
        words.outcome(code),
    )


def user(entry: Any, to: Leads = to_list) -> SafeString | str:
    """Return whom the entry concerns, as a link to all that is known of them."""
    name = words.name(entry)
    if entry.user_id is not None:
        return _pivot(to("account", entry.user_id), name, gettext("All entries of this user"))
    if not name:
        return NOTHING
    hint = gettext("No account; all entries of this name")
    return format_html(
        '<span class="authaudit-no-account">{}</span>', _pivot(to("name", name), name, hint)
    )


def actor(entry: Any, to: Leads = to_list) -> SafeString | str:
    """Return who acted, unless it is the user."""
    name = words.actor_name(entry)
    if entry.actor_id is None:
        return short(name)
    if entry.actor_id == entry.user_id:
        return format_html(
            '<span class="authaudit-quiet" title="{}">{}</span>', name, gettext("self")
        )
    return _pivot(to("actor", entry.actor_id), name, gettext("All entries by this actor"))


def address(entry: Any, to: Leads = to_list) -> SafeString | str:
    """Return the client's address, as a link to all that came from there."""
    if not entry.ip_address:
        return NOTHING
    hint = gettext("All entries from this address")
    return _pivot(to("address", entry.ip_address), entry.ip_address, hint)


def request_line(entry: Any) -> SafeString | str:
    """Return method and path, as much as there is room for, and whole on hover."""
    return short(f"{entry.method} {entry.path}".strip())


def short(text: str) -> SafeString | str:
    """Return `text`, as much as there is room for, and whole on hover."""
    if not text:
        return NOTHING
    cleaned = words.clean(text)
    return format_html('<bdi class="authaudit-short" title="{0}">{0}</bdi>', cleaned)


def extent(count: Count) -> str:
    """Return how many entries there are, as far as they were counted."""
    number = number_format(count.number, force_grouping=True)
    if count.more:
        return gettext("more than %(number)s entries") % {"number": number}
    if count.at_least:
        return gettext("at least %(number)s entries") % {"number": number}
    form = ngettext("%(number)s entry", "%(number)s entries", count.number)
    return form % {"number": number}


def _pivot(url: str, text: str, hint: str) -> SafeString:
    return format_html(
        '<a class="authaudit-short" href="{}" title="{}"><bdi>{}</bdi></a>',
        url,
        f"{text}: {hint}",
        text,
    )


def _to_millisecond(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(" ", timespec="milliseconds")

"""Filters that links lead to: everything of one account, address, request or session.

They are shown only while they are in use.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.admin.filters import SimpleListFilter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_authaudit import words
from django_authaudit.addresses import address_text, parse_address
from django_authaudit.admin import indexes
from django_authaudit.cleaning import clean_text
from django_authaudit.models import AuditLog

_LARGEST_KEY = 2**63 - 1
_SHOWN = 255


class PivotFilter(SimpleListFilter):
    """Has one choice, the value that the link gave it, and none without."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the value in use, if any."""
        value = self.value()
        return [] if value is None else [(value, self.label(request, model_admin, value))]

    def label(self, request: HttpRequest, model_admin: Any, value: str) -> str:
        """Return how the filter names `value`."""
        return clean_text(value, _SHOWN)[0]


class UserFilter(PivotFilter):
    """Everything that concerns one account, which need not exist any more."""

    title = _("user")
    parameter_name = "user_id"
    name_column = "username"

    def label(self, request: HttpRequest, model_admin: Any, value: str) -> str:
        """Return the account's name as the log last knew it."""
        entries = self.queryset(request, model_admin.get_queryset(request))
        newest = entries.order_by(*indexes.newest_first(entries, str(self.parameter_name)))
        name = newest.values_list(self.name_column, flat=True).first()
        return clean_text(name or value, _SHOWN)[0]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the entries whose column holds the key of the account."""
        try:
            key = AuditLog._meta.get_field("user").to_python(clean_text(self.value(), _SHOWN)[0])
        except ValidationError:
            return queryset.none()
        if isinstance(key, int) and abs(key) > _LARGEST_KEY:
            # No database has it as a key, and SQLite raises OverflowError.
            return queryset.none()
        return indexes.holding(queryset, str(self.parameter_name), key)


class ActorFilter(UserFilter):
    """Everything that one account did."""

    title = _("actor")
    parameter_name = "actor_id"
    name_column = "actor_username"


class AddressFilter(PivotFilter):
    """Everything that came from one address."""

    title = _("address")
    parameter_name = "ip_address"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the entries from the address."""
        address = address_text(parse_address(str(self.value())))
        return (
            indexes.holding(queryset, str(self.parameter_name), address)
            if address
            else queryset.none()
        )


class SameRequestFilter(PivotFilter):
    """Everything that one request caused, named by one of its entries.

    The column has no index: what is read are the entries at about the same time that also share a
    column which has one.
    """

    title = _("request of")
    parameter_name = "same_request"
    column = "request_id"
    shared = "ip_address"
    window = timedelta(minutes=1)
    nearby = _("± 1 minute")

    def label(self, request: HttpRequest, model_admin: Any, value: str) -> str:
        """Return the entry in words, and remember it."""
        self.entry = model_admin.get_object(request, value)
        if self.entry is None:
            return gettext("no such entry")
        return f"{words.title(self.entry)} ({self.nearby})"

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return the entries that belong together with the one that is named."""
        if not getattr(self.entry, self.column, ""):
            return queryset.none()
        moment = self.entry.created_at
        values = {name: getattr(self.entry, name) for name in (self.column, self.shared)}
        known = {name: value for name, value in values.items() if value is not None}
        return queryset.between(moment - self.window, moment + self.window).filter(**known)


class SameSessionFilter(SameRequestFilter):
    """Everything of one session and its user, within a day of the entry that names it."""

    title = _("session of")
    parameter_name = "same_session"
    column = "session_ref"
    shared = "actor_id"
    window = timedelta(days=1)
    nearby = _("± 1 day")

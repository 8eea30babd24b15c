"""Filters that links lead to: everything of one account, address, request, session or reason.

They are shown only while they are in use.
"""

from __future__ import annotations

from typing import Any

from django.contrib.admin.filters import SimpleListFilter
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_authaudit import words
from django_authaudit.addresses import address_text, parse_address
from django_authaudit.cleaning import clean_text
from django_authaudit.entry import LIMITS
from django_authaudit.models import AuditLog
from django_authaudit.reading import Selection
from django_authaudit.tracks import Track

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

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return `queryset` as it is: `narrow()` filters."""
        return queryset

    def narrow(self, selection: Selection) -> Selection:
        """Return the part of `selection` whose column holds the value."""
        found = self.wanted(str(self.value()))
        return selection.nothing() if found is None else selection.where(self.column, found)

    def wanted(self, value: str) -> Any:
        """Return what the column holds for `value`; None: no column holds it."""
        return clean_text(value, LIMITS[self.column])[0] or None

    @property
    def column(self) -> str:
        """The name of the column, which is the parameter's."""
        return str(self.parameter_name)


class UserFilter(PivotFilter):
    """Everything that concerns one account, which need not exist any more."""

    title = _("user")
    parameter_name = "user_id"
    name_column = "username"

    def label(self, request: HttpRequest, model_admin: Any, value: str) -> str:
        """Return the account's name as the log last knew it."""
        key = self.wanted(value)
        if key is None:
            return super().label(request, model_admin, value)
        newest = Track(self.column, key).newest(model_admin.get_queryset(request))
        name = newest.values_list(self.name_column, flat=True).first()
        return super().label(request, model_admin, name or value)

    def wanted(self, value: str) -> Any:
        """Return the key that is written in `value`, or None."""
        return account_key(value)


class ActorFilter(UserFilter):
    """Everything that one account did."""

    title = _("actor")
    parameter_name = "actor_id"
    name_column = "actor_username"


class AddressFilter(PivotFilter):
    """Everything that came from one address."""

    title = _("address")
    parameter_name = "ip_address"

    def wanted(self, value: str) -> Any:
        """Return the address as it is stored, or None."""
        return address_text(parse_address(value))


class RequestFilter(PivotFilter):
    """Everything that one request caused."""

    title = _("request")
    parameter_name = "request_id"


class SessionFilter(PivotFilter):
    """Everything of one session."""

    title = _("session")
    parameter_name = "session_ref"


class ReasonFilter(PivotFilter):
    """Everything that was refused for one reason, as far as the list looks."""

    title = _("reason")
    parameter_name = "reason"

    def label(self, request: HttpRequest, model_admin: Any, value: str) -> str:
        """Return the reason in words."""
        return words.coded(words.REASONS, super().label(request, model_admin, value))

    def wanted(self, value: str) -> Any:
        """Return the reason as it is stored, or None."""
        return clean_text(value, _SHOWN)[0] or None

    @property
    def column(self) -> str:
        """The key of the metadata: without an index, so that it is looked for in a window."""
        return "metadata__reason"


def account_key(value: str) -> Any:
    """Return the key of an account that is written in `value`, or None."""
    try:
        key = AuditLog._meta.get_field("user").to_python(clean_text(value, _SHOWN)[0])
    except ValidationError:
        return None
    # None is larger, where SQLite raises OverflowError, or 0, where MariaDB's backend refuses.
    return None if isinstance(key, int) and not 0 < abs(key) <= _LARGEST_KEY else key

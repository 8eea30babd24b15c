"""The filters of the list. None of them asks the table what it holds, and each has an index.

Values come from the address bar: one that means nothing finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.filters import ListFilter, SimpleListFilter
from django.contrib.admin.views.main import ERROR_FLAG, ChangeList
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from django_authaudit import events, words
from django_authaudit.cleaning import clean_text
from django_authaudit.entry import LIMITS, first_id_at
from django_authaudit.reading import Selection

PERIOD_VAR, SINCE_VAR, UNTIL_VAR = TIME_VARS = "period", "since", "until"
BEFORE_VAR, AFTER_VAR, AT_VAR = POSITION_VARS = "before", "after", "at"
PERIODS: dict[str, tuple[timedelta, Promise]] = {
    "hour": (timedelta(hours=1), _("Last hour")),
    "day": (timedelta(days=1), _("Last 24 hours")),
    "week": (timedelta(days=7), _("Last 7 days")),
    "month": (timedelta(days=30), _("Last 30 days")),
}


class TimeFilter(ListFilter):
    """A period that ends now, or a range of times in the site's time zone."""

    title = _("time")
    template = "admin/django_authaudit/filter_time.html"

    def __init__(
        self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any
    ) -> None:
        super().__init__(request, params, model, model_admin)
        for name in filter(None, self.expected_parameters()):
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.other_parameters = [
            (name, value)
            for name, values in request.GET.lists()
            if name not in (*TIME_VARS, *POSITION_VARS, ERROR_FLAG)
            for value in values
        ]

    def expected_parameters(self) -> list[str | None]:
        """Return the names of the parameters that this filter reads."""
        return list(TIME_VARS)

    def has_output(self) -> bool:
        """Return True: there is always a time to choose."""
        return True

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield the periods; the template adds the range."""
        period = self._value(PERIOD_VAR)
        ranged = self._value(SINCE_VAR) or self._value(UNTIL_VAR)
        for name, label in [("", _("Any time")), *((n, p[1]) for n, p in PERIODS.items())]:
            query = {PERIOD_VAR: name} if name else {}
            yield {
                "selected": name == period and not ranged,
                "query_string": changelist.get_query_string(query, remove=TIME_VARS),
                "display": label,
            }

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return `queryset` as it is: `narrow()` filters."""
        return queryset

    def narrow(self, selection: Selection) -> Selection:
        """Return what happened within the range: a range of the primary key."""
        try:
            start, end = self._start(), moment(self._value(UNTIL_VAR))
        except (KeyError, ValueError):
            return selection.nothing()
        span = selection.span
        if start is not None:
            span = span.since(first_id_at(start))
        if end is not None:
            span = span.before(first_id_at(end))
        return replace(selection, span=span)

    @property
    def since(self) -> str:
        """The start of the range, as an input field takes it."""
        return for_input(self._value(SINCE_VAR))

    @property
    def until(self) -> str:
        """The end of the range, as an input field takes it."""
        return for_input(self._value(UNTIL_VAR))

    def _start(self) -> datetime | None:
        since = moment(self._value(SINCE_VAR))
        period = self._value(PERIOD_VAR)
        if since is not None or not period:
            return since
        return timezone.now() - PERIODS[period][0]

    def _value(self, name: str) -> str:
        return str(self.used_parameters.get(name, ""))


def moment(value: str) -> datetime | None:
    """Return the time written in `value`, the site's if it names no zone; ValueError for none."""
    if not value:
        return None
    found = parse_datetime(value)
    if found is None:
        raise ValueError(value)
    try:
        return timezone.localtime(
            timezone.make_aware(found) if timezone.is_naive(found) else found
        )
    except OverflowError as error:
        raise ValueError(value) from error


def for_input(value: str) -> str:
    """Return the time written in `value` as an input field takes it, or nothing."""
    try:
        found = moment(value)
    except ValueError:
        return ""
    if found is None:
        return ""
    text = found.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text.removesuffix(".000").removesuffix(":00")


class EventFilter(SimpleListFilter):
    """The events of the catalogue, by family; another code from the address bar, too."""

    title = _("event")
    parameter_name = "event"
    template = "admin/django_authaudit/filter_event.html"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the catalogue, and the code that is chosen if it is not in there."""
        known = [(event.code, event.label) for event in events.registered()]
        value = self.value()
        if value is not None and not events.is_registered(value):
            known.append((value, _shown(value)))
        return known

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Yield "All", then each family with its events."""
        every, *single = super().choices(changelist)
        yield every
        families: dict[str, list[Any]] = {}
        for (code, _label), choice in zip(self.lookup_choices, single, strict=True):
            family = events.get(code).family if events.is_registered(code) else ""
            families.setdefault(family, []).append({**choice, "code": _shown(code)})
        for family, found in families.items():
            yield {
                "family": family,
                "display": words.family(family),
                "open": any(choice["selected"] for choice in found),
                "choices": found,
            }

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return `queryset` as it is: `narrow()` filters."""
        return queryset

    def narrow(self, selection: Selection) -> Selection:
        """Return the entries of the chosen event."""
        value = self.value()
        return selection if value is None else selection.where("event", _shown(value))


class OutcomeFilter(SimpleListFilter):
    """Success or failure."""

    title = _("outcome")
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """Return the two outcomes with their signs."""
        return [(code, words.signed_outcome(code)) for code, _label in events.OUTCOMES]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Return `queryset` as it is: `narrow()` filters."""
        return queryset

    def narrow(self, selection: Selection) -> Selection:
        """Return the entries of the chosen outcome."""
        value = self.value()
        if value is None:
            return selection
        known = value in dict(events.OUTCOMES)
        return selection.where("outcome", value) if known else selection.nothing()


def _shown(code: str) -> str:
    """Return `code` as it would be stored: nothing in it can hurt a query or a reader."""
    return clean_text(code, LIMITS["event"])[0]

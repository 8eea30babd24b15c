"""The list: pages by position instead of number, counts within bounds, searches by index."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext

from django_authaudit import reading, words
from django_authaudit.admin import cells, search
from django_authaudit.admin.export import FORMATS
from django_authaudit.admin.filters import (
    AFTER_VAR,
    AT_VAR,
    BEFORE_VAR,
    POSITION_VARS,
    for_input,
    moment,
)
from django_authaudit.entry import first_id_at, time_of
from django_authaudit.tracks import FIRST_ID

_MILLISECOND = timedelta(milliseconds=1)


class SearchForm(forms.Form):
    """Takes any text: the search itself cleans it. Django's own refuses NUL and lists all."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields = {SEARCH_VAR: forms.Field(required=False, widget=forms.TextInput)}


class AuditLogChangeList(ChangeList):
    """Django's list without its two COUNTs, its OFFSETs over millions and its OR of columns.

    A page begins before, or ends after, an entry: what comes in meanwhile moves nothing.
    """

    search_form_class = SearchForm
    notice = ""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = str(capfirst(self.opts.verbose_name_plural))

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> Any:
        """Return all entries; `get_results` selects."""
        self.position = {name: self.params.pop(name, "") for name in POSITION_VARS}
        for name in POSITION_VARS:
            self.filter_params.pop(name, None)
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Return the only order: newest first."""
        return ["-pk"]

    def get_results(self, request: HttpRequest) -> None:
        """Set what the templates show of the page."""
        self.reader = reading.Reader(self.root_queryset, self.selection())
        self.page = self._page(self.reader)
        self.count = self.reader.count
        self.may_export = cast(Any, self.model_admin).has_export_permission(request)
        self.result_list = self.page.entries
        self.result_count = self.count.number
        self.full_result_count = None
        self.multi_page = self.can_show_all = False
        self.show_full_result_count = self.show_admin_actions = False

    def selection(self) -> reading.Selection:
        """Return which entries the filters and the search ask for."""
        selection = reading.Selection()
        for spec in self.filter_specs:
            selection = cast(Any, spec).narrow(selection)
        term = self.query.strip()
        if not term or selection.tracks is not None:
            return selection
        tracks = search.tracks(self.root_queryset, term)
        if tracks is None:
            self.notice = gettext(
                "More than %(number)s addresses of this network have entries: search for a "
                "smaller one."
            ) % {"number": search.MOST_ADDRESSES}
        return selection.on_any(tracks or ())

    def _page(self, reader: reading.Reader) -> reading.Page:
        try:
            if self.position[AFTER_VAR]:
                return reader.after(UUID(self.position[AFTER_VAR]), self.list_per_page)
            if self.position[BEFORE_VAR]:
                return reader.before(UUID(self.position[BEFORE_VAR]), self.list_per_page)
            if at := moment(self.position[AT_VAR]):
                return reader.before(first_id_at(at + _MILLISECOND), self.list_per_page)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters from error
        return reader.newest(self.list_per_page)

    @property
    def extent(self) -> str:
        """How many entries there are, as far as they were counted."""
        return cells.extent(self.count)

    @property
    def at(self) -> str:
        """The time that was jumped to, as an input field takes it."""
        return for_input(self.position[AT_VAR])

    @property
    def without_search_url(self) -> str:
        """The query string of the same list without the search."""
        return self.get_query_string(remove=[SEARCH_VAR])

    @property
    def downloads(self) -> list[tuple[str, str]]:
        """The formats in which the reader may have what the list shows, and where."""
        if not self.may_export:
            return []
        return [(name, f"export/{suffix}/{self.get_query_string()}") for suffix, name in FORMATS]

    @property
    def newest_url(self) -> str:
        """The query string of the first page; nothing on that page."""
        return self.get_query_string() if self.page.newer else ""

    @property
    def newer_url(self) -> str:
        """The query string of the page before, or nothing."""
        return self.get_query_string({AFTER_VAR: self.page.newer}) if self.page.newer else ""

    @property
    def older_url(self) -> str:
        """The query string of the page after, or nothing."""
        return self.get_query_string({BEFORE_VAR: self.page.older}) if self.page.older else ""

    @property
    def oldest_url(self) -> str:
        """The query string of the last page; nothing on that page."""
        return self.get_query_string({AFTER_VAR: FIRST_ID}) if self.page.older else ""

    @property
    def searched_back_to(self) -> str:
        """The time as far back as was looked, when a page ends for that and not for its size."""
        if not self.page.cut or self.page.older is None:
            return ""
        return f"{words.local_time(time_of(self.page.older)):%Y-%m-%d %H:%M}"

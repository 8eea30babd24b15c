"""The list: counts and pages within bounds, searches by index, leads on to older entries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR, ChangeList
from django.core.paginator import InvalidPage
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from django_authaudit.admin import indexes, search
from django_authaudit.admin.filters import UNTIL_VAR
from django_authaudit.admin.paginator import BoundedPaginator

BY_RARITY = ("user_id", "actor_id", "ip_address", "event", "outcome")
"""Columns that are filtered by; where two are, the index of the first is read."""


class SearchForm(forms.Form):
    """Takes any text: the search itself cleans it. Django's own refuses NUL and lists all."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields = {SEARCH_VAR: forms.Field(required=False, widget=forms.TextInput)}


class AuditLogChangeList(ChangeList):
    """Django's list without its two COUNTs, its OFFSETs over millions and its OR of columns."""

    search_form_class = SearchForm
    paginator: BoundedPaginator

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = str(capfirst(self.opts.verbose_name_plural))

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Return the only order: newest first, read from the index of what is filtered by."""
        used = {name for spec in self.filter_specs for name in spec.used_parameters}
        column = next((name for name in BY_RARITY if name in used), None)
        return indexes.newest_first(queryset, column)

    def get_results(self, request: HttpRequest) -> None:
        """Set what the templates show of the page."""
        entries = search.matches(self.queryset, self.query, BoundedPaginator.bound + 1)
        self.paginator = BoundedPaginator(entries, self.list_per_page)
        try:
            page = self.paginator.page(self.page_num)
        except InvalidPage as error:
            raise IncorrectLookupParameters from error
        self.result_list = list(page.object_list)
        self.result_count = self.paginator.count
        self.multi_page = self.paginator.num_pages > 1
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = False
        self.can_show_all = False

    @property
    def extent(self) -> str:
        """How many entries there are, as far as they were counted."""
        number = number_format(self.result_count, force_grouping=True)
        if self.paginator.more:
            return gettext("more than %(number)s entries") % {"number": number}
        words = ngettext("%(number)s entry", "%(number)s entries", self.result_count)
        return words % {"number": number}

    @property
    def without_search_url(self) -> str:
        """The query string of the same list without the search."""
        return self.get_query_string(remove=[SEARCH_VAR])

    @property
    def older_url(self) -> str:
        """The query string that leads past the last page, to what the bound leaves out."""
        if not self.paginator.more or self.page_num < self.paginator.num_pages:
            return ""
        moment = self.result_list[-1].created_at + timedelta(milliseconds=1)
        return self.get_query_string({UNTIL_VAR: moment.isoformat()})

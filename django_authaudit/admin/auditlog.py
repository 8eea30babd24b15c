"""The admin of the log. It shows, and nothing else, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import PermissionDenied
from django.db.models.constants import LOOKUP_SEP
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_authaudit import words
from django_authaudit.admin import cells, detail, export, filters, investigate, pivots
from django_authaudit.admin.changelist import AuditLogChangeList
from django_authaudit.admin.dashboard import MOST_ON_THE_LIST, Dashboard, Overview, period_of
from django_authaudit.admin.viewed import record_view
from django_authaudit.figures import DAY
from django_authaudit.models import AuditLog

_FILTERS: tuple[Any, ...] = (
    pivots.UserFilter,
    pivots.ActorFilter,
    pivots.AddressFilter,
    pivots.RequestFilter,
    pivots.SessionFilter,
    pivots.ReasonFilter,
    filters.OutcomeFilter,
    filters.TimeFilter,
    filters.EventFilter,
)
_OWN_COLUMNS = {str(getattr(spec, "parameter_name", "")) for spec in _FILTERS}

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[AuditLog]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(AuditLog)
class AuditLogAdmin(ModelAdmin):
    """Lists, filters and shows entries for those who have the permission ``view_auditlog``.

    Nothing here counts, sorts or scans the table: it has millions of rows.
    """

    list_display = (
        "when",
        "what",
        "result",
        "who",
        "by_whom",
        "from_where",
        "request_line",
        "why",
    )
    list_display_links = ("what",)
    list_filter = _FILTERS
    list_per_page = 100
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("username", "actor_username", "email", "ip_address", "request_id", "event")
    search_help_text = _(
        "An exact user name, e-mail address, IP address or request; a network such as "
        "203.0.113.0/24; an event or how it begins, such as auth.login."
    )
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    actions = None
    view_on_site = False

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["django_authaudit/admin.css"]}

    @admin.display(description=_("time"))
    def when(self, entry: AuditLog) -> SafeString:
        """Return when it happened."""
        return cells.time(entry.created_at)

    @admin.display(description=_("event"))
    def what(self, entry: AuditLog) -> SafeString:
        """Return what happened."""
        return cells.event(entry)

    @admin.display(description=_("outcome"))
    def result(self, entry: AuditLog) -> SafeString:
        """Return how it ended."""
        return cells.outcome(entry.outcome)

    @admin.display(description=_("user"))
    def who(self, entry: AuditLog) -> SafeString | str:
        """Return whom it concerns."""
        return cells.user(entry)

    @admin.display(description=_("actor"))
    def by_whom(self, entry: AuditLog) -> SafeString | str:
        """Return who did it."""
        return cells.actor(entry)

    @admin.display(description=_("address"))
    def from_where(self, entry: AuditLog) -> SafeString | str:
        """Return where the request came from."""
        return cells.address(entry)

    @admin.display(description=_("path"))
    def request_line(self, entry: AuditLog) -> SafeString | str:
        """Return what was asked for."""
        return cells.request_line(entry)

    @admin.display(description=_("reason"))
    def why(self, entry: AuditLog) -> SafeString | str:
        """Return what explains it."""
        return cells.short(words.why(entry))

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: entries are recorded."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditLog | None = None) -> bool:
        """Return False: entries never change."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditLog | None = None) -> bool:
        """Return False: entries leave by retention."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether `lookup` is one of the filters: any other may scan the table."""
        names = {name for f in AuditLog._meta.concrete_fields for name in (f.name, f.attname)}
        column = lookup.split(LOOKUP_SEP)[0]
        return lookup in _OWN_COLUMNS or column not in {*names, "pk"}

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[AuditLogChangeList]:
        """Return the list that stays within bounds."""
        return AuditLogChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Return `queryset` as it is: the list itself searches, index by index."""
        return queryset, False

    def get_fieldsets(self, request: HttpRequest, obj: AuditLog | None = None) -> Any:
        """Return none: the detail page has sections of its own."""
        return []

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **options: Any
    ) -> HttpResponse:
        """Return the page of one entry."""
        entry = context["original"]
        context |= {
            "title": words.label(entry),
            "subtitle": words.name(entry),
            "headline": words.title(entry),
            "sections": detail.sections(self, request, entry),
        }
        return super().render_change_form(request, context, *args, **options)

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Return whether the reader may take entries away: seeing them is not enough."""
        return self.has_view_permission(request) and request.user.has_perm(export.PERMISSION)

    def get_urls(self) -> list[URLPattern]:
        """Return the pages of the admin, of investigations and pictures, and the downloads."""
        own: dict[str, Callable[..., HttpResponseBase]] = {
            "investigate/<slug:kind>/": self.investigate_view,
            "export/<slug:kind>/": self.export_view,
            "dashboard/": self.dashboard_view,
        }
        return [
            *(
                path(
                    route,
                    self.admin_site.admin_view(view),
                    name=f"django_authaudit_auditlog_{route.partition('/')[0]}",
                )
                for route, view in own.items()
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Return the list, and record that it was looked at."""
        overview = Overview(self, DAY, most=MOST_ON_THE_LIST)
        context = {"overview": overview, **(extra_context or {})}
        response = super().changelist_view(request, context)
        record_view(request, "list")
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Return the page of one entry, and record that it was looked at."""
        response = super().change_view(request, object_id, form_url, extra_context)
        if response.status_code == HTTPStatus.OK:
            record_view(request, "entry", object_id)
        return response

    def investigate_view(self, request: HttpRequest, kind: str) -> HttpResponse:
        """Return the page of one account, name, address, session or request."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        subject = investigate.subject_of(kind, request)
        found = investigate.Investigation(self, request, subject)
        response = self._page(request, "investigate", found.title, investigation=found)
        record_view(request, *subject)
        return response

    def export_view(self, request: HttpRequest, kind: str) -> HttpResponseBase:
        """Return what the list shows as a file in the format `kind`."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        try:
            changelist: Any = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return redirect("admin:django_authaudit_auditlog_changelist")
        if changelist.notice:
            # The list says why there is nothing; a file without an entry would not.
            listed = reverse("admin:django_authaudit_auditlog_changelist")
            return redirect(f"{listed}?{request.GET.urlencode()}")
        return export.download(request, changelist.reader, kind)

    def dashboard_view(self, request: HttpRequest) -> HttpResponse:
        """Return the page of pictures."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        pictures = Dashboard(self, period_of(request.GET.get("period", "")))
        response = self._page(request, "dashboard", gettext("Dashboard"), dashboard=pictures)
        record_view(request, "dashboard")
        return response

    def _page(self, request: HttpRequest, name: str, title: str, **context: Any) -> HttpResponse:
        common = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "media": self.media,
        }
        template = f"admin/django_authaudit/auditlog/{name}.html"
        return TemplateResponse(request, template, {**common, **context}).render()

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Raise Http404: an entry has no history."""
        raise Http404

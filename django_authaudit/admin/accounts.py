"""The way from an account's own page to what the log knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_authaudit.admin import links

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = object


class InvestigateMixin(ModelAdmin):
    """Put before the class of a custom user's admin, it links to the account's investigation.

    The link stands in a section of its own, for those who may view the log. The stock ``User``
    needs no mixin: its page has the link among its buttons.
    """

    @admin.display(description=_("history"))
    def audit_log(self, account: Any) -> str:
        """Return the link."""
        url = links.investigation(self.admin_site.name, "account", account.pk)
        return format_html('<a href="{}">{}</a>', url, gettext("Investigate this account"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the sections, and the link's."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or not self._may_investigate(request, obj):
            return fieldsets
        return [*fieldsets, (_("Audit log"), {"fields": ["audit_log"]})]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of a page without sections, and not the link, which has its own."""
        return [name for name in super().get_fields(request, obj) if name != "audit_log"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields that only show, the link among them."""
        return [*super().get_readonly_fields(request, obj), "audit_log"]

    def _may_investigate(self, request: HttpRequest, account: Any) -> bool:
        try:
            links.investigation(self.admin_site.name, "account", account.pk)
        except NoReverseMatch:
            return False
        return bool(request.user.has_perm("django_authaudit.view_auditlog"))

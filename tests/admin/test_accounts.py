"""The way from an account's own page to its investigation."""

import pytest
from django.contrib.admin import AdminSite, ModelAdmin, site
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Permission, User
from django.test import RequestFactory

from django_authaudit.admin import InvestigateMixin
from tests.admin.conftest import LIST


def test_the_page_of_the_stock_account_has_a_link_for_those_who_may_see_the_log(
    reader, bob, client
):
    link = f'href="{LIST}investigate/account/?of={bob.pk}"'
    assert link in reader.get(f"/admin/auth/user/{bob.pk}/change/").content.decode()

    office = User.objects.create_user("office", "", "right", is_staff=True)
    office.user_permissions.set(Permission.objects.filter(codename="view_user"))
    client.force_login(office)
    assert link not in client.get(f"/admin/auth/user/{bob.pk}/change/").content.decode()


class OwnUserAdmin(InvestigateMixin, UserAdmin):
    """What a project with an admin of its own for accounts writes."""


@pytest.mark.parametrize("may", [True, False])
def test_an_own_admin_of_accounts_gets_the_link_by_the_mixin(superuser, bob, alice, may):
    accounts = OwnUserAdmin(User, site)
    request = RequestFactory().get("/")
    request.user = superuser if may else alice

    names = [title for title, _ in accounts.get_fieldsets(request, bob)]

    assert ("Audit log" in names) == may
    assert "audit_log" in accounts.get_readonly_fields(request, bob)
    assert f'href="{LIST}investigate/account/?of={bob.pk}"' in accounts.audit_log(bob)
    assert "Audit log" not in [title for title, _ in accounts.get_fieldsets(request)]


class PlainUserAdmin(InvestigateMixin, ModelAdmin):
    """What has an account model of its own, and names no sections."""

    exclude = ("password",)


def test_an_admin_without_sections_shows_the_link_once_and_to_whom_it_leads(superuser, bob, alice):
    accounts = PlainUserAdmin(User, site)
    request = RequestFactory().get("/")

    def fields(user, account=None):
        request.user = user
        return flatten_fieldsets(accounts.get_fieldsets(request, account))

    assert fields(superuser, bob).count("audit_log") == 1
    assert "audit_log" not in fields(alice, bob)
    assert "audit_log" not in fields(superuser)


def test_the_mixin_shows_no_link_on_a_site_without_the_log(superuser, bob, settings):
    settings.ROOT_URLCONF = "tests.urls_plain"
    accounts = OwnUserAdmin(User, AdminSite(name="office"))
    request = RequestFactory().get("/")
    request.user = superuser

    assert "Audit log" not in [title for title, _ in accounts.get_fieldsets(request, bob)]

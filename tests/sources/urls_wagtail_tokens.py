"""Wagtail's admin and API, an API that asks for the same tokens, and the URLs to them."""

from django.urls import include, path
from ninja import NinjaAPI
from wagtail.admin import urls as wagtail_urls
from wagtail.api.v3.auth import BearerTokenAuth
from wagtail.api.v3.urls import api

from tests.sources import urls

own = NinjaAPI(urls_namespace="own")


class Strict(BearerTokenAuth):  # type: ignore[misc]  # has no types
    """Takes no token on some days."""

    def authenticate(self, request, token):
        super().authenticate(request, token)
        return None


@own.get("/strict/", auth=Strict())
def strict(request):
    raise AssertionError


urlpatterns = [
    *urls.urlpatterns,
    path("cms/", include(wagtail_urls)),
    path("api/", api.urls),
    path("own/", own.urls),
]

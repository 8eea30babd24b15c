"""Views that ask for an API key, and the URLs to them."""

from django.urls import path
from rest_framework.authentication import TokenAuthentication
from rest_framework.permissions import IsAdminUser
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_api_key.permissions import BaseHasAPIKey, HasAPIKey, KeyParser

from tests.sources import urls
from tests.token_owners.models import PersonalKey


class View(APIView):  # type: ignore[misc]  # has no types
    permission_classes = [HasAPIKey]

    def get(self, request):
        return Response("done")

    post = get


class Open(View):
    """Asks for no account first."""

    authentication_classes = ()


class Either(View):
    permission_classes = [IsAdminUser | ~~HasAPIKey]


class Both(View):
    permission_classes = [HasAPIKey, IsAdminUser]


class BothOpen(Both):
    authentication_classes = ()


class Bearer(KeyParser):  # type: ignore[misc]  # has no types
    keyword = "Bearer"


class HasPersonalKey(BaseHasAPIKey):  # type: ignore[misc]  # has no types
    model = PersonalKey
    key_parser = Bearer()


class Personal(View):
    permission_classes = [HasPersonalKey]


class ByToken(View):
    authentication_classes = [TokenAuthentication]


urlpatterns = [
    *urls.urlpatterns,
    path("key/", View.as_view()),
    path("open/", Open.as_view()),
    path("either/", Either.as_view()),
    path("both/", Both.as_view()),
    path("both-open/", BothOpen.as_view()),
    path("personal/", Personal.as_view()),
    path("by-token/", ByToken.as_view()),
]

from django.contrib.auth import get_user_model
from django.http import HttpResponse
from django.urls import include, path
from oauth2_provider.contrib.rest_framework import OAuth2Authentication
from oauth2_provider.decorators import protected_resource
from oauth2_provider.views.generic import ProtectedResourceView, ScopedProtectedResourceView
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.sources import urls


class Protected(ProtectedResourceView):  # type: ignore[misc]  # has no types
    def get(self, request):
        return HttpResponse(request.resource_owner.get_username())


class ForWriters(ScopedProtectedResourceView):  # type: ignore[misc]  # has no types
    required_scopes = ["write"]

    def get(self, request):
        raise AssertionError


@protected_resource()
def decorated(request):
    raise AssertionError


class Api(APIView):  # type: ignore[misc]  # has no types
    authentication_classes = [OAuth2Authentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})


class OpenApi(Api):
    permission_classes = [AllowAny]


class ByBadge(BaseAuthentication):  # type: ignore[misc]  # has no types
    """Accepts another kind of bearer, as that of simplejwt does."""

    def authenticate(self, request):
        if request.META.get("HTTP_AUTHORIZATION") != "Bearer badge-of-alice":
            return None
        return get_user_model().objects.get(username="alice"), None


class Either(Api):
    authentication_classes = [OAuth2Authentication, ByBadge, SessionAuthentication]


class Admins(Either):
    permission_classes = [IsAdminUser]


urlpatterns = [
    *urls.urlpatterns,
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("protected/", Protected.as_view()),
    path("for-writers/", ForWriters.as_view()),
    path("decorated/", decorated),
    path("api/", Api.as_view()),
    path("open-api/", OpenApi.as_view()),
    path("either/", Either.as_view()),
    path("admins/", Admins.as_view()),
]

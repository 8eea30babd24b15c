from django.urls import include, path
from mozilla_django_oidc.contrib.drf import OIDCAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.sources import urls


class Api(APIView):  # type: ignore[misc]  # has no types
    authentication_classes = [OIDCAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})


urlpatterns = [
    *urls.urlpatterns,
    path("oidc/", include("mozilla_django_oidc.urls")),
    path("api/", Api.as_view()),
]

"""Knox' own views, one that asks for its tokens, and the URLs to them."""

from django.contrib.auth import login
from django.urls import path
from knox.auth import TokenAuthentication
from knox.views import LoginView, LogoutAllView, LogoutView
from rest_framework.authentication import BasicAuthentication
from rest_framework.authentication import TokenAuthentication as FrameworkTokens
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.sources import urls


class Login(LoginView):  # type: ignore[misc]  # has no types
    authentication_classes = [BasicAuthentication]


class Documented(LoginView):  # type: ignore[misc]  # has no types
    """As the documentation has it."""

    permission_classes = [AllowAny]

    def post(self, request, format=None):
        serializer = AuthTokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        login(request, serializer.validated_data["user"])
        return super().post(request, format=None)


class Limited(Login):
    def get_token_limit_per_user(self):
        return 0


class View(APIView):  # type: ignore[misc]  # has no types
    authentication_classes = [BasicAuthentication, TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})


class Admins(View):
    permission_classes = [IsAdminUser]


class OutOfHours(TokenAuthentication):  # type: ignore[misc]  # has no types
    def validate_user(self, auth_token):
        raise AuthenticationFailed("come back tomorrow")


class Strict(View):
    authentication_classes = [OutOfHours]


class KnoxFirst(View):
    """Both packages ask for the same scheme: the first refuses what the second would take."""

    authentication_classes = [TokenAuthentication, FrameworkTokens]


class KnoxLast(View):
    authentication_classes = [FrameworkTokens, TokenAuthentication]


urlpatterns = [
    *urls.urlpatterns,
    path("token/", Login.as_view()),
    path("documented/", Documented.as_view()),
    path("limited/", Limited.as_view()),
    path("forget/", LogoutView.as_view()),
    path("forget-all/", LogoutAllView.as_view()),
    path("view/", View.as_view()),
    path("admins/", Admins.as_view()),
    path("knox-first/", KnoxFirst.as_view()),
    path("knox-last/", KnoxLast.as_view()),
    path("strict/", Strict.as_view()),
]

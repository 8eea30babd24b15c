"""Views of Django REST framework, which answers what it refuses in its own way."""

from django.contrib.auth import login
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import PermissionDenied
from rest_framework.authentication import (
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.authtoken.models import Token
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.authtoken.views import ObtainAuthToken
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.permissions import AllowAny, BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView, exception_handler


class View(APIView):  # type: ignore[misc]  # has no types
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})

    post = get


class Basic(View):
    authentication_classes = [BasicAuthentication]


class ByToken(View):
    authentication_classes = [TokenAuthentication]


class OutOfHours(TokenAuthentication):  # type: ignore[misc]  # has no types
    keyword = "Bearer"

    def authenticate_credentials(self, key):
        super().authenticate_credentials(key)
        raise AuthenticationFailed("come back tomorrow", code="out_of_hours")


class Strict(View):
    authentication_classes = [SessionAuthentication, OutOfHours]

    def get_authenticate_header(self, request):
        return "Bearer"


class ByMail(AuthTokenSerializer):  # type: ignore[misc]  # has no types
    """Takes what it likes, as a project's own serializer does."""


class OwnToken(ObtainAuthToken):  # type: ignore[misc]  # has no types
    """As the framework's documentation has it, and in an envelope."""

    serializer_class = ByMail

    def post(self, request, *args, **kwargs):
        serializer = self.serializer_class(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        user = serializer.validated_data["user"]
        token, _ = Token.objects.get_or_create(user=user)
        return self.answer(request, user, token)

    def answer(self, request, user, token):
        return Response({"user": {"id": user.pk}, "data": {"key": token.key, "roles": ["any"]}})


class TokenInCookie(OwnToken):
    def answer(self, request, user, token):
        response = Response({"user": user.pk})
        response.set_cookie("api", token.key)
        return response


class TokenByMail(OwnToken):
    def post(self, request, *args, **kwargs):
        return Response("look into your mail")


class TokenAndSession(OwnToken):
    def answer(self, request, user, token):
        login(request, user)
        return super().answer(request, user, token)


class TokenAndSignal(APIView):  # type: ignore[misc]  # has no types
    """Says that it signs in, as djoser does, and has no session."""

    def post(self, request):
        serializer = AuthTokenSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        user = serializer.validated_data["user"]
        token, _ = Token.objects.get_or_create(user=user)
        user_logged_in.send(type(user), request=request, user=user)
        return Response({"auth_token": token.key})


def own_form(error, context):
    """Answer errors in a form of the project's own."""
    response = exception_handler(error, context)
    response.data = {"error": str(error)}
    return response


class BySession(View):
    authentication_classes = [SessionAuthentication]


class Admins(View):
    authentication_classes = [SessionAuthentication, TokenAuthentication, BasicAuthentication]
    permission_classes = [IsAdminUser]


class NotSuspended(BasePermission):  # type: ignore[misc]  # has no types
    code = "suspended"

    def has_permission(self, request, view):
        return False


class Members(ByToken):
    permission_classes = [NotSuspended]


class OnceAnHour(AnonRateThrottle):  # type: ignore[misc]  # has no types
    # Not by the settings: those of the test that imports the framework first would decide.
    rate = "1/hour"


class Throttled(View):
    permission_classes = [AllowAny]
    throttle_classes = [OnceAnHour]


class Denies(View):
    permission_classes = [AllowAny]

    def get(self, request):
        raise PermissionDenied("no")


class Invalid(View):
    permission_classes = [AllowAny]

    def get(self, request):
        raise ValidationError({"detail": "typo"})


@api_view(["GET"])
@permission_classes([IsAdminUser])
def function(request):
    raise AssertionError

"""Views of Django REST framework, which answers what it refuses in its own way."""

from django.core.exceptions import PermissionDenied
from rest_framework.authentication import (
    BasicAuthentication,
    SessionAuthentication,
    TokenAuthentication,
)
from rest_framework.decorators import api_view, permission_classes
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView


class View(APIView):  # type: ignore[misc]  # has no types
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.get_username()})

    post = get


class Basic(View):
    authentication_classes = [BasicAuthentication]


class ByToken(View):
    authentication_classes = [TokenAuthentication]


class BySession(View):
    authentication_classes = [SessionAuthentication]


class Admins(View):
    authentication_classes = [SessionAuthentication, TokenAuthentication, BasicAuthentication]
    permission_classes = [IsAdminUser]


class Throttled(View):
    permission_classes = [AllowAny]
    throttle_classes = [AnonRateThrottle]


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

"""The views of simplejwt, those that a project makes from them, and the URLs to them."""

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.signals import user_logged_in
from django.urls import path
from rest_framework.authentication import BasicAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt import views
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.tokens import RefreshToken

from tests.sources import urls


class CookieObtain(views.TokenObtainPairView):  # type: ignore[misc]  # has no types
    """Keeps the tokens out of scripts' reach, as many projects do."""

    def post(self, request, *args, **kwargs):
        response = super().post(request, *args, **kwargs)
        for name in ("access", "refresh"):
            response.set_cookie(name, response.data.pop(name), httponly=True)
        return response


class CookieRefresh(views.TokenRefreshView):  # type: ignore[misc]  # has no types
    def post(self, request, *args, **kwargs):
        serializer = self.get_serializer(data={"refresh": request.COOKIES["refresh"]})
        serializer.is_valid(raise_exception=True)
        response = Response({})
        for name, token in serializer.validated_data.items():
            response.set_cookie(name, token, httponly=True)
        return response


class TwoSteps(views.TokenObtainPairView):  # type: ignore[misc]  # has no types
    """Gives no token yet."""

    def post(self, request, *args, **kwargs):
        super().post(request, *args, **kwargs)
        return Response(
            {"next": "the code that we have sent you", "version": "1.2.3", "n": "1.W10.3"}
        )


class Picky(views.TokenObtainPairView):  # type: ignore[misc]  # has no types
    def post(self, request, *args, **kwargs):
        super().post(request, *args, **kwargs)
        raise AuthenticationFailed("not from here")


class View(APIView):  # type: ignore[misc]  # has no types
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"user": request.user.pk})


class Either(View):
    authentication_classes = [BasicAuthentication, JWTAuthentication]


class Admins(View):
    permission_classes = [IsAdminUser]


class ByCookie(JWTAuthentication):  # type: ignore[misc]  # has no types
    def authenticate(self, request):
        token = self.get_validated_token(request.COOKIES["access"])
        return self.get_user(token), token


class Cookie(View):
    authentication_classes = [SessionAuthentication, ByCookie]

    def get_authenticate_header(self, request):
        return "Cookie"


class SignUp(APIView):  # type: ignore[misc]  # has no types
    """Makes a token by code of its own."""

    permission_classes = [AllowAny]

    def post(self, request):
        user = get_user_model().objects.get(username=request.data["username"])
        return Response({"refresh": str(RefreshToken.for_user(user))})


class SignIn(SignUp):
    """Sends the signal that the package does not send."""

    def post(self, request):
        user = authenticate(request, **request.data.dict())
        user_logged_in.send(type(user), request=request, user=user)
        return super().post(request)


class SignOut(View):
    def post(self, request):
        RefreshToken(request.data["refresh"]).blacklist()
        return Response({})


urlpatterns = [
    *urls.urlpatterns,
    path("token/", views.token_obtain_pair),
    path("refresh/", views.token_refresh),
    path("sliding/", views.token_obtain_sliding),
    path("sliding-refresh/", views.token_refresh_sliding),
    path("verify/", views.token_verify),
    path("revoke/", views.token_blacklist),
    path("cookie-token/", CookieObtain.as_view()),
    path("cookie-refresh/", CookieRefresh.as_view()),
    path("two-steps/", TwoSteps.as_view()),
    path("picky/", Picky.as_view()),
    path("view/", View.as_view()),
    path("either/", Either.as_view()),
    path("admins/", Admins.as_view()),
    path("cookie/", Cookie.as_view()),
    path("sign-up/", SignUp.as_view()),
    path("sign-in/", SignIn.as_view()),
    path("sign-out/", SignOut.as_view()),
]

from dj_rest_auth.views import LoginView, PasswordResetConfirmView
from django.urls import include, path

from tests.sources import urls


class OwnLogin(LoginView):  # type: ignore[misc]  # has no types
    """A view that a project makes of the package's."""


class OwnConfirmation(PasswordResetConfirmView):  # type: ignore[misc]
    pass


urlpatterns = [
    path("own/login/", OwnLogin.as_view()),
    path("own/password/reset/confirm/", OwnConfirmation.as_view()),
    path("api/", include("dj_rest_auth.urls")),
    *urls.urlpatterns,
]

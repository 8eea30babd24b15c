from dj_rest_auth.registration.views import SocialConnectView
from django.urls import include, path
from rest_framework.serializers import Serializer

from tests.sources import urls


class Connecting(Serializer):  # type: ignore[misc]  # has no types
    """Stands for a provider that knows who is signed in."""

    def validate(self, attrs):
        return {"user": self.context["request"].user}


class Connect(SocialConnectView):  # type: ignore[misc]
    serializer_class = Connecting


urlpatterns = [
    path("api/", include("dj_rest_auth.urls")),
    path("api/registration/", include("dj_rest_auth.registration.urls")),
    path("api/connect/", Connect.as_view()),
    path("accounts/", include("allauth.urls")),
    path("password/reset/<uidb64>/<token>/", Connect.as_view(), name="password_reset_confirm"),
    *urls.urlpatterns,
]

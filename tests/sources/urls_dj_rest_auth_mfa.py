from dj_rest_auth.mfa.views import MFALoginView
from django.urls import include, path

from tests.sources import urls

urlpatterns = [
    path("api/login/", MFALoginView.as_view()),
    path("api/", include("dj_rest_auth.mfa.urls")),
    path("api/", include("dj_rest_auth.urls")),
    *urls.urlpatterns,
]

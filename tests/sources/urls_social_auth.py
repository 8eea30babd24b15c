from django.urls import include, path

from tests.sources import urls

urlpatterns = [
    *urls.urlpatterns,
    path("social/", include("social_django.urls", namespace="social")),
]

from django.urls import include, path

from tests.sources import urls

urlpatterns = [path("api/", include("djoser.urls")), *urls.urlpatterns]

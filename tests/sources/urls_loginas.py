from django.urls import include, path

from tests.sources import urls

urlpatterns = [*urls.urlpatterns, path("as/", include("loginas.urls"))]

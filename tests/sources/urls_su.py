from django.urls import include, path

from tests.sources import urls

urlpatterns = [*urls.urlpatterns, path("su/", include("django_su.urls"))]

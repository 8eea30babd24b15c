from django.urls import include, path

from tests.sources import urls_rest_framework as rest_framework

urlpatterns = [path("accounts/", include("allauth.urls")), *rest_framework.urlpatterns]

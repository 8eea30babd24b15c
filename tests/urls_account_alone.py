"""A site that sends no links to reset a password."""

from django.urls import include, path

urlpatterns = [path("security/", include("django_authaudit.urls"))]

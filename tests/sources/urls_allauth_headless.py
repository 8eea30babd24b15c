from django.urls import include, path

from tests.sources import urls_allauth_mfa

urlpatterns = [*urls_allauth_mfa.urlpatterns, path("api/", include("allauth.headless.urls"))]

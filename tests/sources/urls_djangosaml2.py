from django.urls import include, path

from tests.sources import urls

urlpatterns = [*urls.urlpatterns, path("saml2/", include("djangosaml2.urls"))]

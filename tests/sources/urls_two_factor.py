from django.urls import include, path
from two_factor.urls import urlpatterns as two_factor

from tests.sources import urls

urlpatterns = [*urls.urlpatterns, path("", include(two_factor))]

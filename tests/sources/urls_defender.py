from defender.decorators import watch_login
from django.urls import include, path

from tests import views
from tests.sources import urls

urlpatterns = [
    path("defender/", include("defender.urls")),
    path("watched-login/", watch_login(status_code=400)(views.api_login)),
    *urls.urlpatterns,
]

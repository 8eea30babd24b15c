from django.urls import path

from tests.sources import urls
from tests.sources import views_ratelimit as views

urlpatterns = [
    path("limited/", views.limited),
    path("asks/", views.asks),
    path("raises/", views.raises),
    path("limited-login/", views.Login.as_view()),
    path("api/", views.Api.as_view()),
    path("api-dispatch/", views.ApiDispatch.as_view()),
    *urls.urlpatterns,
]

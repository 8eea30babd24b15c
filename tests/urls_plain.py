from django.contrib.auth import views as auth
from django.urls import include, path

from tests import views

urlpatterns = [
    path("login/", auth.LoginView.as_view()),
    path("logout/", auth.LogoutView.as_view()),
    path("password/", include("django.contrib.auth.urls")),
    path("act/<slug:name>/", views.act),
]

"""The four kinds of request that are measured, and the admin."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import path

from bench_project import views

urlpatterns = [
    path("", views.page),
    path("account/", views.account),
    path("forbidden/", views.forbidden),
    path("login/", LoginView.as_view()),
    path("admin/", admin.site.urls),
]

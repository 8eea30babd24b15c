"""The pages for the owner of an account: `path("security/", include("django_authaudit.urls"))`."""

from __future__ import annotations

from django.urls import path

from django_authaudit import views

app_name = "django_authaudit"
urlpatterns = [
    path("", views.recent, name="activity"),
    path("sessions/end/", views.end_session, name="end_session"),
    path("sessions/end-others/", views.end_others, name="end_others"),
    path("not-me/<uuid:pk>/", views.dispute, name="dispute"),
    path("not-me/done/", views.disputed, name="disputed"),
]

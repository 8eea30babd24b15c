from allauth.account import views
from django.urls import include, path

from tests.sources import urls

urlpatterns = [
    *urls.urlpatterns,
    # allauth leaves these out unless its settings ask for them when they are read.
    path(
        "accounts/password/reset/confirm/",
        views.confirm_password_reset_code,
        name="account_confirm_password_reset_code",
    ),
    path(
        "accounts/password/reset/complete/",
        views.complete_password_reset,
        name="account_complete_password_reset",
    ),
    path(
        "accounts/password/reset/completed/",
        views.password_reset_from_key_done,
        name="account_password_reset_completed",
    ),
    path("accounts/", include("allauth.urls")),
]

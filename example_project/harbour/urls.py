"""The pages of the Harbour Library."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path

from harbour import views

urlpatterns = [
    path("", views.home, name="home"),
    path("reading-room/", views.reading_room, name="reading_room"),
    path("reading-room/reserve/<str:shelf>/", views.reserve, name="reserve"),
    path("reading-room/feed.json", views.feed, name="feed"),
    path("desk/", views.desk, name="desk"),
    path("stacks/", views.stacks, name="stacks"),
    path(
        "accounts/login/",
        auth_views.LoginView.as_view(template_name="accounts/login.html"),
        name="login",
    ),
    path("accounts/logout/", auth_views.LogoutView.as_view(), name="logout"),
    path(
        "accounts/password/",
        auth_views.PasswordChangeView.as_view(template_name="accounts/password_change.html"),
        name="password_change",
    ),
    path(
        "accounts/password/done/",
        auth_views.PasswordChangeDoneView.as_view(
            template_name="accounts/notice.html",
            extra_context={
                "heading": "Your password is changed",
                "text": "Other devices that were signed in are signed out.",
            },
        ),
        name="password_change_done",
    ),
    path(
        "reset/",
        auth_views.PasswordResetView.as_view(
            template_name="accounts/password_reset.html",
            email_template_name="accounts/password_reset_email.txt",
            subject_template_name="accounts/password_reset_subject.txt",
        ),
        name="password_reset",
    ),
    path(
        "reset/sent/",
        auth_views.PasswordResetDoneView.as_view(
            template_name="accounts/notice.html",
            extra_context={
                "heading": "Look in your mailbox",
                "text": "If we know the address, a link to choose a new password is on its way.",
            },
        ),
        name="password_reset_done",
    ),
    path(
        "reset/<uidb64>/<token>/",
        auth_views.PasswordResetConfirmView.as_view(
            template_name="accounts/password_reset_confirm.html"
        ),
        name="password_reset_confirm",
    ),
    path(
        "reset/done/",
        auth_views.PasswordResetCompleteView.as_view(
            template_name="accounts/notice.html",
            extra_context={
                "heading": "Your new password is set",
                "text": "You can sign in with it now.",
            },
        ),
        name="password_reset_complete",
    ),
    # Audit log: what happened to one's own account.
    path("security/", include("django_authaudit.urls")),
    path("admin/", admin.site.urls),
]

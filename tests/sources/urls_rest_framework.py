from django.urls import path
from rest_framework.authtoken.views import obtain_auth_token

from tests.sources import urls
from tests.sources import views_rest_framework as views

urlpatterns = [
    *urls.urlpatterns,
    path("token/", obtain_auth_token),
    path("own-token/", views.OwnToken.as_view()),
    path("token-in-cookie/", views.TokenInCookie.as_view()),
    path("token-by-mail/", views.TokenByMail.as_view()),
    path("token-and-session/", views.TokenAndSession.as_view()),
    path("token-and-signal/", views.TokenAndSignal.as_view()),
    path("api-members/", views.Members.as_view()),
    path("by-strict-token/", views.Strict.as_view()),
    path("basic/", views.Basic.as_view()),
    path("by-token/", views.ByToken.as_view()),
    path("by-session/", views.BySession.as_view()),
    path("admins/", views.Admins.as_view()),
    path("throttled/", views.Throttled.as_view()),
    path("denies/", views.Denies.as_view()),
    path("invalid/", views.Invalid.as_view()),
    path("function/", views.function),
]

from django.contrib.auth.views import LoginView
from django.urls import path

from tests import urls
from tests import views as shared
from tests.sources import forms, views

urlpatterns = [
    *urls.urlpatterns,
    path("act-async/<slug:name>/", views.act_async),
    path("async-logout/", views.async_logout),
    path("captcha-login/", views.captcha_login),
    path("telling-login/", views.telling_login),
    path("members-by-another-name/", views.members_by_another_name),
    path("step-up-required/", views.step_up_required),
    path("step-up/", views.step_up),
    path("own-login-required/", views.own_login_required),
    path("own-login/", LoginView.as_view()),
    path("editors-mixin/", views.Editors.as_view()),
    path("elsewhere/", views.elsewhere),
    path("template-refuses/", views.template_refuses),
    path("redirects-oddly/", views.redirects_oddly),
    path("nowhere-required/", views.nowhere_required),
    path("malformed/", views.malformed),
    path("own-reset/", forms.OwnView.as_view()),
    path("gone/<uidb64>/<token>/", forms.Gone.as_view()),
    path("team/<slug:token>/", shared.forbidden),
]

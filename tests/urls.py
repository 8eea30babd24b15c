from django.contrib import admin
from django.contrib.auth import views as auth
from django.urls import include, path

from tests import views

urlpatterns = [
    path("", views.home, name="home"),
    path("admin/", admin.site.urls),
    path("login/", auth.LoginView.as_view(), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", include("django.contrib.auth.urls")),
    path("security/", include("django_authaudit.urls")),
    path("api-login/", views.api_login),
    path("async-login/", views.async_login),
    path("members/", views.members),
    path("editors/", views.editors),
    path("editors-strict/", views.editors_strict),
    path("forbidden/", views.forbidden),
    path("forbidden-async/", views.forbidden_async),
    path("forbidden-response/", views.forbidden_response),
    path("unauthorized/", views.unauthorized),
    path("too-many/", views.too_many),
    path("suspicious/", views.suspicious),
    path("bad-request/", views.bad_request),
    path("form/", views.form),
    path("act/<slug:name>/", views.act),
    path("act-async/<slug:name>/", views.act_async),
    path("share/<str:token>/", views.forbidden),
]

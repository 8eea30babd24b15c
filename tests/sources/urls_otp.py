from django.urls import path
from django_otp.admin import OTPAdminSite
from django_otp.views import LoginView

from tests.sources import urls

urlpatterns = [
    *urls.urlpatterns,
    path("otp-login/", LoginView.as_view()),
    path("otp-admin/", OTPAdminSite().urls),
]

from django.contrib import admin
from django.urls import include, path
from django_otp.admin import OTPAdminSite
from two_factor.admin import AdminSiteOTPRequired

from tests.sources import urls_two_factor as two_factor

by_two_factor, by_otp = AdminSiteOTPRequired("guarded"), OTPAdminSite()
for site in (by_two_factor, by_otp):
    site._registry.update(
        {model: type(a)(model, site) for model, a in admin.site._registry.items()}
    )

urlpatterns = [
    path("guarded-admin/", by_two_factor.urls),
    path("otp-admin/", by_otp.urls),
    path("hijack/", include("hijack.urls")),
    *two_factor.urlpatterns,
]

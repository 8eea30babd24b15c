from allauth.mfa.base import views
from django.urls import path

from tests.sources import urls_allauth

urlpatterns = [
    # allauth leaves it out unless its settings ask for it when they are read.
    path("accounts/2fa/trust/", views.trust, name="mfa_trust"),
    *urls_allauth.urlpatterns,
]

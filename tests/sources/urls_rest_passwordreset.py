from django.urls import include, path
from django_rest_passwordreset.urls import add_reset_password_urls_to_router
from rest_framework.routers import SimpleRouter
from rest_framework.views import exception_handler

from tests.sources import urls


def handle(exc, context):
    """Write errors in a form of the project's own, as many do."""
    response = exception_handler(exc, context)
    if response is not None:
        response.data = {"errors": [str(exc)]}
    return response


router = SimpleRouter()
add_reset_password_urls_to_router(router, base_path="sets")

urlpatterns = [
    path("resets/", include("django_rest_passwordreset.urls")),
    *router.urls,
    *urls.urlpatterns,
]

from django.urls import include, path
from djoser.views import UserViewSet
from rest_framework.routers import SimpleRouter
from rest_framework.views import exception_handler

from tests.sources import urls


class OwnUsers(UserViewSet):  # type: ignore[misc]  # has no types
    """A view set that a project makes of the package's."""


def handle(exc, context):
    """Write errors in a form of the project's own, as many do."""
    response = exception_handler(exc, context)
    if response is not None and response.status_code == 400:
        response.data = {"errors": [str(exc)]}
    return response


router = SimpleRouter()
router.register("own", OwnUsers)

urlpatterns = [
    path("api/", include("djoser.urls")),
    path("api/", include("djoser.urls.authtoken")),
    path("api/", include("djoser.social.urls")),
    *router.urls,
    *urls.urlpatterns,
]

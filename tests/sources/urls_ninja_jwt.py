from django.contrib.auth import authenticate
from django.urls import path
from ninja_extra import ControllerBase, NinjaExtraAPI, api_controller
from ninja_jwt.authentication import AsyncJWTAuth, JWTAuth
from ninja_jwt.controller import (
    AsyncNinjaJWTDefaultController,
    NinjaJWTDefaultController,
    NinjaJWTSlidingController,
    TokenBlackListController,
)
from ninja_jwt.exceptions import AuthenticationFailed

from tests.sources import urls
from tests.sources.recorded import WRONG


@api_controller("/token", auth=None)
class Blacklisting(ControllerBase, TokenBlackListController):  # type: ignore[misc]  # no types
    auto_import = False


def api(name, *controllers):
    made = NinjaExtraAPI(urls_namespace=name)
    made.register_controllers(*controllers)
    return made


pairs = api("pairs", NinjaJWTDefaultController, Blacklisting)
sliding = api("sliding", NinjaJWTSlidingController)
asynchronous = api("asynchronous", AsyncNinjaJWTDefaultController)


@pairs.get("/members", auth=JWTAuth())
def members(request):
    return {"user": request.user.get_username()}


@asynchronous.get("/members", auth=AsyncJWTAuth())
async def members_async(request):
    return {"user": request.user.get_username()}


@pairs.get("/again", auth=JWTAuth())
def again(request):
    """Want the password again."""
    authenticate(request, username="bob", password=WRONG)
    raise AuthenticationFailed


@pairs.get("/broken", auth=JWTAuth())
def broken(request):
    raise ZeroDivisionError


urlpatterns = [
    path("pairs/", pairs.urls),
    path("sliding/", sliding.urls),
    path("async/", asynchronous.urls),
    *urls.urlpatterns,
]

"""Views that may be asked once an hour."""

from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.utils.decorators import method_decorator
from django_ratelimit.core import is_ratelimited
from django_ratelimit.decorators import ratelimit
from django_ratelimit.exceptions import Ratelimited
from rest_framework.response import Response
from rest_framework.views import APIView

once = {"key": "ip", "rate": "1/h"}
once_for_each_method = method_decorator(ratelimit(group="api", **once), name="get")


class LimitEverything:
    """A middleware, which limits before the URL is resolved."""

    def __init__(self, get_response):
        self.get_response = ratelimit(group="everything", **once)(get_response)

    def __call__(self, request):
        return self.get_response(request)


def too_often(request, exception):
    return HttpResponse("Later, please.", status=int(request.GET.get("status", 200)))


@ratelimit(**once)
def limited(request):
    return HttpResponse("done")


@ratelimit(block=False, **once)
def asks(request):
    if request.limited and "deny" in request.GET:
        raise PermissionDenied("too often")
    if request.limited and "lose" in request.GET:
        raise Http404
    status = int(request.GET.get("status", 200)) if request.limited else 200
    return HttpResponse("done", status=status)


def raises(request):
    if is_ratelimited(request, group="raises", increment=True, **once):
        raise Ratelimited
    return HttpResponse("done")


@method_decorator(ratelimit(key="post:username", rate="1/h", method="POST"), name="dispatch")
class Login(LoginView):
    pass


@once_for_each_method
class Api(APIView):  # type: ignore[misc]  # has no types
    def get(self, request):
        return Response("done")


@method_decorator(ratelimit(group="dispatch", **once), name="dispatch")
class ApiDispatch(APIView):  # type: ignore[misc]
    def get(self, request):
        return Response("done")

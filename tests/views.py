"""Views that the tests drive."""

from django.contrib.auth import aauthenticate, alogin, authenticate, login
from django.contrib.auth.decorators import login_required, permission_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpResponse, HttpResponseBadRequest, HttpResponseForbidden, JsonResponse
from django.views.decorators.csrf import csrf_exempt, csrf_protect

acts: dict = {}
"""What `act` runs, by name: tests put their own functions here."""


def home(request):
    return HttpResponse("home")


@csrf_exempt
def act(request, name):
    """Run the function that a test has put into `acts`."""
    return acts[name](request) or HttpResponse("done")


@csrf_exempt
async def act_async(request, name):
    """Await the coroutine function that a test has put into `acts`."""
    return await acts[name](request) or HttpResponse("done")


@csrf_exempt
def api_login(request):
    """Sign in without a form, as an API does."""
    user = authenticate(
        request, username=request.POST["username"], password=request.POST["password"]
    )
    if user is None:
        return JsonResponse({"error": "no"}, status=400)
    login(request, user)
    return JsonResponse({"ok": True})


@csrf_exempt
async def async_login(request):
    user = await aauthenticate(
        request, username=request.POST["username"], password=request.POST["password"]
    )
    if user is None:
        return JsonResponse({"error": "no"}, status=400)
    await alogin(request, user)
    return JsonResponse({"ok": True})


@login_required
def members(request):
    return HttpResponse("members")


@permission_required("auth.change_group")
def editors(request):
    return HttpResponse("editors")


@permission_required("auth.change_group", raise_exception=True)
def editors_strict(request):
    return HttpResponse("editors")


def forbidden(request, **kwargs):
    raise PermissionDenied("no")


async def forbidden_async(request):
    raise PermissionDenied("no")


def forbidden_response(request):
    return HttpResponseForbidden("no")


def unauthorized(request):
    return HttpResponse("who?", status=401)


def too_many(request):
    return HttpResponse("slow down", status=429)


def suspicious(request):
    raise SuspiciousOperation("odd")


def bad_request(request):
    return HttpResponseBadRequest("typo")


@csrf_protect
def form(request):
    return HttpResponse("form")

"""A page for everybody, one for nobody, and a sign-in without a template."""

from django.contrib.auth import authenticate, login
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt


def home(request):
    return HttpResponse("welcome")


def staff(request):
    raise PermissionDenied


async def astaff(request):
    raise PermissionDenied


@csrf_exempt
def sign_in(request):
    user = authenticate(request, username=request.POST["name"], password=request.POST["password"])
    if user is None:
        return HttpResponse("no", status=400)
    login(request, user)
    return HttpResponse("yes")


@csrf_exempt
def join(request):
    """Change a state in a transaction, as views of shops do."""
    with transaction.atomic():
        group, _ = Group.objects.get_or_create(name="customers")
        request.user.groups.add(group)
        transaction.on_commit(lambda: None)
    return HttpResponse("joined")


urlpatterns = [
    path("", home),
    path("staff/", staff),
    path("astaff/", astaff),
    path("login/", sign_in),
    path("join/", join),
]

"""The views of the Harbour Library: one open to all, and one of each way to refuse."""

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import (
    login_required,
    permission_required,
    user_passes_test,
)
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from django_authaudit import record
from harbour.events import BOOK_RESERVED

ACQUISITIONS = (
    {"title": "The Lighthouse Keepers' Almanac", "author": "Ed. R. Stevenson", "shelf": "H 12"},
    {"title": "Tides and Their Tables", "author": "M. Doodson", "shelf": "N 3"},
    {"title": "A Field Guide to Harbour Birds", "author": "I. Lindqvist", "shelf": "B 27"},
)


def home(request: HttpRequest) -> HttpResponse:
    """Show the front page."""
    return render(request, "harbour/home.html")


@login_required
def reading_room(request: HttpRequest) -> HttpResponse:
    """Show members what is new; send everybody else to the login page."""
    return render(request, "harbour/reading_room.html", {"acquisitions": ACQUISITIONS})


@login_required
@require_POST
def reserve(request: HttpRequest, shelf: str) -> HttpResponse:
    """Put a book aside for the member, and write that into the audit log as our own event."""
    for book in ACQUISITIONS:
        if book["shelf"] == shelf:
            record(
                BOOK_RESERVED.code, request=request, user=request.user, metadata={"shelf": shelf}
            )
            messages.success(request, f"{book['title']} waits for you at the desk.")
            return redirect("reading_room")
    raise Http404(f"Nothing stands on shelf {shelf}.")


def feed(request: HttpRequest) -> HttpResponse:
    """Answer members with JSON and everybody else with 401."""
    if not request.user.is_authenticated:
        return JsonResponse({"detail": "Sign in to read the feed."}, status=401)
    return JsonResponse({"acquisitions": ACQUISITIONS})


@permission_required("auth.view_user", raise_exception=True)
def desk(request: HttpRequest) -> HttpResponse:
    """Show the register of members to those with the permission; refuse others with 403."""
    members = get_user_model()._default_manager.order_by("username")
    return render(request, "harbour/desk.html", {"members": members})


def works_here(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Tell whether the user is one of the staff."""
    return bool(getattr(user, "is_staff", False))


@user_passes_test(works_here)
def stacks(request: HttpRequest) -> HttpResponse:
    """Show the staff the closed stacks; send members back to the login page."""
    return render(request, "harbour/stacks.html")

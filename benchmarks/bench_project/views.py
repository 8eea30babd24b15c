"""Views that do as little as a request can."""

from typing import NoReturn

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse


def page(request: HttpRequest) -> HttpResponse:
    """Answer an anonymous visitor without a query."""
    return HttpResponse("ok")


def account(request: HttpRequest) -> HttpResponse:
    """Answer a signed-in user: the session and the user are read."""
    return HttpResponse(request.user.get_username())


def forbidden(request: HttpRequest) -> NoReturn:
    """Refuse."""
    raise PermissionDenied

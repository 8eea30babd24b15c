"""Middleware that refuses requests, as a project's might."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponseForbidden


def returning(get_response):
    return lambda request: HttpResponseForbidden("not from there")


def raising(get_response):
    def middleware(request):
        raise PermissionDenied("not from there")

    return middleware


def answering(get_response):
    """Answer what a view has raised, so that nobody above hears of it."""

    class Middleware:
        def __call__(self, request):
            return get_response(request)

        def process_exception(self, request, exception):
            return HttpResponseForbidden("handled")

    return Middleware()

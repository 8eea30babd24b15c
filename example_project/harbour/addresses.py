"""One answer to "where does this request come from?" for the audit log and for django-axes."""

from django.http import HttpRequest

from django_authaudit import addresses


def client_address(request: HttpRequest) -> str | None:
    """Return the address that the audit log records, for axes to count failures by."""
    return addresses.client_address(request.META).address

"""The authentication audit log for Django.

Add the app, migrate, and every authentication and authorization event becomes a row::

    INSTALLED_APPS += ["django_authaudit"]
    MIDDLEWARE = ["django_authaudit.middleware.AuditMiddleware", *MIDDLEWARE]

A project records events of its own by name::

    from django_authaudit import Event, record, register

    register(Event("billing.card_changed", "Payment card changed", changes_state=True))
    record("billing.card_changed", request=request, user=request.user)
"""

from django_authaudit.entry import Entry
from django_authaudit.events import Event, register
from django_authaudit.recorder import arecord, record

__all__ = ["Entry", "Event", "arecord", "record", "register"]
__version__ = "0.1.0"

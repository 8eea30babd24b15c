"""Connects everything when Django is ready."""

import atexit

from django.apps import AppConfig
from django.core.signals import request_finished
from django.utils.translation import gettext_lazy as _


class AuthAuditConfig(AppConfig):
    """The authentication audit log."""

    name = "django_authaudit"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        """Register the checks, connect the sources, and write what is left at the end."""
        from django_authaudit import recorder, sources

        sources.connect_all()
        # Safe points for what a rollback left behind.
        request_finished.connect(
            recorder.write_settled, dispatch_uid="django_authaudit.recorder.write_settled"
        )
        atexit.register(recorder.write_settled)

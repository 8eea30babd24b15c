"""Connects everything when Django is ready."""

from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class AuthAuditConfig(AppConfig):
    """The authentication audit log."""

    name = "django_authaudit"
    verbose_name = _("Audit log")

    def ready(self) -> None:
        """Register the checks and connect the sources."""
        from django_authaudit import checks, recorder, sources, wraps

        checks.register_all()
        sources.connect_all()
        # Safe points for what a rollback left behind. A worker may have no other for hours, or end
        # by `os._exit()`.
        wraps.after_blocks(recorder.write_settled)
        request_finished.connect(
            recorder.write_settled, dispatch_uid="django_authaudit.recorder.write_settled"
        )
        post_migrate.connect(
            recorder.forget_settled,
            sender=self,
            dispatch_uid="django_authaudit.recorder.forget_settled",
        )

"""A project's own devices, on those of django-otp."""

from django.db import models
from django_otp.plugins.otp_totp.models import TOTPDevice


class Batch(models.Model):
    """What is recalled as a whole."""

    def __str__(self):
        return str(self.pk)


class Pendant(TOTPDevice):  # type: ignore[misc]  # has no types
    """A device with a table of its own beside its parent's."""

    batch = models.ForeignKey(Batch, models.CASCADE)

    def verify_token(self, token):
        return super().verify_token(token)


class Proxied(TOTPDevice):  # type: ignore[misc]
    class Meta:
        proxy = True

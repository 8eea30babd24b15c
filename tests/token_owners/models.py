"""Models of tokens that a project makes from those of the packages."""

from django.conf import settings
from django.db import models
from rest_framework_api_key.models import AbstractAPIKey, APIKey


class PersonalKey(AbstractAPIKey):  # type: ignore[misc]  # has no types
    """A key with an owner."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)


class NotedKey(APIKey):  # type: ignore[misc]  # has no types
    """A key that inherits by a table of its own."""

    note = models.CharField(max_length=20)


class MachineKey(AbstractAPIKey):  # type: ignore[misc]  # has no types
    """A key whose user is no account."""

    user = models.CharField(max_length=20)

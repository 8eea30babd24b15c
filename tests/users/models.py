"""User models that inherit from Django's own."""

from django.contrib.auth.models import User
from django.db import models


class ProxyUser(User):
    class Meta:
        proxy = True


class Customer(User):
    """Inherits by a table of its own."""

    number = models.CharField(max_length=20)

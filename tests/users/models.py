"""User models and a group that inherit from Django's own."""

from django.contrib.auth.models import Group, User
from django.db import models


class ProxyUser(User):
    class Meta:
        proxy = True


class Customer(User):
    """Inherits by a table of its own."""

    number = models.CharField(max_length=20)


class Team(Group):
    """Has a column besides the name."""

    room = models.CharField(max_length=20)

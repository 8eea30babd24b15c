"""A user model without flags or a name, and with roles under a name of its own."""

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import Group
from django.db import models


class PlainUserManager(BaseUserManager):
    def create_user(self, email, password=None):
        user = self.model(email=self.normalize_email(email))
        user.set_password(password)
        user.save(using=self._db)
        return user


class PlainUser(AbstractBaseUser):
    """Signs in by e-mail, has a UUID for a key, and nothing of ``PermissionsMixin``."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    teams = models.ManyToManyField(Group, blank=True)
    friends = models.ManyToManyField("self", blank=True)

    objects = PlainUserManager()
    USERNAME_FIELD = "email"

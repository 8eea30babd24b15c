"""What a project might have chosen: authentication backends, a hasher, a router."""

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied

from tests.users.models import Customer, ProxyUser


class RefusingBackend(BaseBackend):
    """Refuses everybody, as one does that knows of a block."""

    def authenticate(self, request, username=None, password=None, **kwargs):
        raise PermissionDenied


class UnreachableBackend(BaseBackend):
    def authenticate(self, request, username=None, password=None, **kwargs):
        raise ConnectionError("the directory is down")


class TicketBackend(BaseBackend):
    """Wants something else than a name."""

    def authenticate(self, request, ticket):
        return None


class EmailBackend(BaseBackend):
    """Wants an e-mail address, and knows none."""

    def authenticate(self, request, email=None, password=None, **kwargs):
        return None


class ProxyBackend(ModelBackend):
    model: type[User] = ProxyUser

    def authenticate(self, request, username=None, password=None, **kwargs):
        user = self.model.objects.filter(username=username).first()
        return user if user is not None and user.check_password(password) else None


class CustomerBackend(ProxyBackend):
    model = Customer


class NewHasher(PBKDF2PasswordHasher):
    """Makes every hash by another algorithm out of date, and is quick about it."""

    iterations = 1


class ReadsElsewhere:
    """Routes as a project with a replica does."""

    def db_for_read(self, model, **hints):
        return "audit"

    def db_for_write(self, model, **hints):
        return "default"

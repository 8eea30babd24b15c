"""What the tests of django-allauth share: what it mails, and adapters of a project's own."""

from __future__ import annotations

import re

import pytest
from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import authenticate, get_user_model
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import connection

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_CODE = re.compile(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", re.MULTILINE)
_LINK = re.compile(r"http://testserver(/\S+)")
_KEY = re.compile(r"/accounts/(?:confirm-email/|password/reset/key/\w+-)([^/\s]+)/")


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    """Run each test without and with a transaction around each view."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)
    cache.clear()


@pytest.fixture(autouse=True)
def mailed_secrets(secrets):
    """Whatever was mailed is a secret."""
    yield
    for message in mail.outbox:
        secrets.learn(*_CODE.findall(message.body), *_KEY.findall(message.body))


def mailed_code():
    return _CODE.findall(mail.outbox[-1].body)[-1]


def mailed_link():
    return _LINK.findall(mail.outbox[-1].body)[-1]


def through(name):
    """Return the dotted path of an adapter of this module."""
    return f"{__name__}.{name}"


class ByPhone(DefaultAccountAdapter):
    """The telephone number is the last name."""

    def get_user_by_phone(self, phone):
        return get_user_model().objects.filter(last_name=phone).first()

    def get_phone(self, user):
        return user.last_name, True

    def set_phone(self, user, phone, verified):
        raise NotImplementedError

    def set_phone_verified(self, user, phone):
        pass

    def send_verification_code_sms(self, user, phone, code, **kwargs):
        mail.outbox.append(mail.EmailMessage(body=code))


class Banning(DefaultAccountAdapter):
    def pre_authenticate(self, request, **credentials):
        raise ValidationError("Not you.", code="banned")


class Raising(DefaultAccountAdapter):
    def authentication_failed(self, request, **credentials):
        raise ValidationError("No.", code="no")


class OfAnother(DefaultAccountAdapter):
    """Takes everybody's password for that of alice."""

    def authenticate(self, request, **credentials):
        return authenticate(request, username="alice", password=credentials["password"])


class Offline(DefaultAccountAdapter):
    def send_mail(self, template_prefix, email, context):
        raise ConnectionError


class Updating(DefaultAccountAdapter):
    """Stores passwords past the signals of the model."""

    def set_password(self, user, password):
        user.set_password(password)
        get_user_model().objects.filter(pk=user.pk).update(password=user.password)

"""What the tests of django-allauth share: what it mails, and adapters of a project's own."""

from __future__ import annotations

import re

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth import authenticate, get_user_model
from django.core import mail
from django.core.exceptions import ValidationError
from django.urls import get_resolver

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
"""Of Bob's authenticator app."""
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_CODE = re.compile(r"^\s*([A-Z0-9]{4}-[A-Z0-9]{4})\s*$", re.MULTILINE)
# Before any test changes a setting: allauth decides by them, once, which URLs there are.
assert get_resolver().url_patterns

_LINK = re.compile(r"http://testserver(/\S+)")
_KEY = re.compile(r"/accounts/(?:confirm-email/|password/reset/key/\w+-)([^/\s]+)/")


def mailed_code():
    return _CODE.findall(mail.outbox[-1].body)[-1]


def mailed_link():
    return _LINK.findall(mail.outbox[-1].body)[-1]


def mailed_keys(body):
    """Return all that is secret in the text of a mail."""
    return [*_CODE.findall(body), *_KEY.findall(body)]


def code_of(secret):
    """Return what an authenticator app shows now."""
    from allauth.mfa.totp.internal import auth

    (counter,) = auth.yield_hotp_counters_from_time()
    return auth.format_hotp_value(auth.hotp_value(secret, counter))


def through(name):
    """Return the dotted path of an adapter of this module."""
    return f"{__name__}.{name}"


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # has no types
    pass


class ByPhone(Adapter):
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


class Banning(Adapter):
    def pre_authenticate(self, request, **credentials):
        raise ValidationError("Not you.", code="banned")


class Raising(Adapter):
    def authentication_failed(self, request, **credentials):
        raise ValidationError("No.", code="no")


class OfAnother(Adapter):
    """Takes everybody's password for that of alice."""

    def authenticate(self, request, **credentials):
        return authenticate(request, username="alice", password=credentials["password"])


class Offline(Adapter):
    def send_mail(self, template_prefix, email, context):
        raise ConnectionError


class Updating(Adapter):
    """Stores passwords past the signals of the model."""

    def set_password(self, user, password):
        user.set_password(password)
        get_user_model().objects.filter(pk=user.pk).update(password=user.password)

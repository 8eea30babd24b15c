"""Fixtures of all tests of django-allauth; a plugin of pytest."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection

from tests.sources.allauthed import mailed_keys


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
        secrets.learn(*mailed_keys(message.body))

"""Verify, and tell in short what was found."""

import pytest

from django_authaudit.integrity import writers
from django_authaudit.verification import Verification
from tests.integrity.log import add
from tests.management.conftest import default_in_file, empty_file, project

__all__ = ["default_in_file", "empty_file", "project"]


@pytest.fixture(autouse=True)
def fresh_writers(monkeypatch):
    """Begin each test with no writer: what other tests have numbered was rolled back."""
    monkeypatch.setattr(writers, "_idle", [])


@pytest.fixture
def verify():
    """Return a function that verifies, and gives (kind, number) of each finding in order."""

    def run(**options):
        verification = Verification(using="default", **options)
        found = [(p.kind.value, p.first, p.last) for p in verification.problems()]
        run.summary = verification.summary
        return found

    return run


@pytest.fixture
def entries():
    """Return five entries of one writer, in the log."""
    return add(5, username="bob", ip_address="203.0.113.7", metadata={"a": [1, {"b": "c"}]})

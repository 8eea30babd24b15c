"""What the tests share."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from tests import views


@pytest.fixture(autouse=True)
def spool_dir(settings, tmp_path):
    """Give each test a spool of its own; the user's is never touched."""
    path = tmp_path / "spool"
    settings.AUTHAUDIT_SPOOL_DIR = str(path)
    return path


@pytest.fixture
def rows():
    """Return a function that reads the log, oldest first."""
    from django_authaudit.models import AuditLog

    def read(event=None):
        found = AuditLog.objects.order_by("id")
        return list(found.filter(event=event) if event else found)

    return read


@pytest.fixture
def act(client):
    """Return a function that runs another inside a request and gives the response."""

    def run(function, **options):
        views.acts["test"] = function
        try:
            return client.post("/act/test/", **options)
        finally:
            del views.acts["test"]

    return run


@pytest.fixture
def atomic_requests(monkeypatch):
    """Wrap each view in a transaction."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)


@pytest.fixture
async def threads():
    """Close the connections that an async test opened in the thread of its sync calls."""
    yield
    await sync_to_async(connections.close_all)()

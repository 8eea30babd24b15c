"""What the checks say of the database that holds the log."""

import pytest
from django.db import connections

from django_authaudit.models import AuditLog
from tests.test_checks import ROUTED, found, lasting, only  # noqa: F401 - a fixture


@pytest.fixture
def audit(settings, monkeypatch):
    """Give the log an alias of its own; return a function that changes its settings."""
    settings.AUTHAUDIT_DATABASE = "audit"
    settings.DATABASE_ROUTERS = ROUTED
    monkeypatch.delenv("PGCONNECT_TIMEOUT", raising=False)
    before = connections["audit"], connections.settings["audit"]

    def configure(**values):
        connections.settings["audit"] = {**before[1], **values}
        del connections["audit"]

    yield configure
    connections["audit"], connections.settings["audit"] = before


def server(engine):
    pytest.importorskip({"postgresql": "psycopg", "mysql": "MySQLdb"}[engine])
    return f"django.db.backends.{engine}"


def test_w040_a_transaction_of_every_view_in_the_logs_database_is_warned_of(audit):
    audit(ATOMIC_REQUESTS=True)
    assert "DATABASES['audit']" in only("W040").hint


def test_w040_a_transaction_of_every_view_in_the_projects_database_is_its_own_affair(
    settings, monkeypatch
):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    assert found() == []
    settings.AUTHAUDIT_DATABASE = "default"
    assert found() == []


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_w040_is_true(audit, client, monkeypatch):
    """With ATOMIC_REQUESTS there, a database that is away fails requests without any event."""
    assert client.get("/").status_code == 200
    audit(ATOMIC_REQUESTS=True)
    client.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr(connections["audit"], "connect", refuse)
        assert client.get("/").status_code == 500
    audit(ATOMIC_REQUESTS=False)
    with monkeypatch.context() as patch:
        patch.setattr(connections["audit"], "connect", refuse)
        assert client.get("/").status_code == 200
        assert client.get("/forbidden/").status_code == 403
    assert AuditLog.objects.using("default").count() == 0


def refuse():
    raise ConnectionRefusedError


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
def test_w041_a_log_on_another_machine_needs_a_bound_on_connecting(audit, engine):
    audit(ENGINE=server(engine), HOST="db.example.com", OPTIONS={})
    assert "'connect_timeout': 2" in only("W041").hint
    audit(ENGINE=server(engine), HOST="db.example.com", OPTIONS={"connect_timeout": 2})
    assert found() == []


def test_w041_the_environment_may_bound_it_for_postgresql(audit, monkeypatch):
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    audit(ENGINE=server("postgresql"), HOST="db.example.com", OPTIONS={})
    assert found() == []


def test_w041_the_environment_bounds_no_other_database(audit, monkeypatch):
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "2")
    audit(ENGINE=server("mysql"), HOST="db.example.com", OPTIONS={})
    only("W041")


@pytest.mark.parametrize("host", ["", "localhost", "127.0.0.1", "/run/postgresql"])
def test_w041_a_log_on_this_machine_needs_none(audit, host):
    audit(ENGINE=server("postgresql"), HOST=host, OPTIONS={})
    assert found() == []


def test_w041_a_database_without_a_server_needs_none(audit):
    audit(ENGINE="django.db.backends.sqlite3", HOST="db.example.com", OPTIONS={})
    assert found() == []


def test_w042_a_log_without_autocommit_is_warned_of(audit):
    audit(AUTOCOMMIT=False)
    assert "AUTHAUDIT_DATABASE" in only("W042").hint


def test_a_wrong_alias_is_told_once(settings):
    settings.AUTHAUDIT_DATABASE = 5
    only("E002")
    settings.AUTHAUDIT_DATABASE = "nowhere"
    only("E003")

"""A database that accepts a connection and never answers."""

import socket
from contextlib import suppress

import pytest
from django.db import connections

from django_authaudit import delivery, pause, record, spool
from django_authaudit.models import AuditLog
from django_authaudit.pause import Pause

ENGINES = {
    "psycopg": "django.db.backends.postgresql",
    "MySQLdb": "django.db.backends.mysql",
}


class SilentServer:
    """Accepts connections, counts them, and says nothing."""

    def __init__(self):
        # The kernel accepts for it, as for a server that hangs.
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.accepted = []

    def count(self):
        """Return how often somebody has connected."""
        with suppress(BlockingIOError):
            while True:
                self.accepted.append(self.socket.accept()[0])
        return len(self.accepted)

    def close(self):
        for accepted in (*self.accepted, self.socket):
            accepted.close()


@pytest.fixture(params=ENGINES)
def silent(request, transactional_db, settings, monkeypatch):
    """Have the log in a database that never answers, by each driver that is installed."""
    pytest.importorskip(request.param)
    server = SilentServer()
    before = connections["audit"], connections.settings["audit"]
    connections.settings["audit"] = {
        **connections.settings["audit"],
        "ENGINE": ENGINES[request.param],
        "HOST": "127.0.0.1",
        "PORT": str(server.port),
        "OPTIONS": {"connect_timeout": 1},
    }
    del connections["audit"]
    monkeypatch.setattr(delivery, "_pause", Pause())
    settings.AUTHAUDIT_DATABASE = "audit"
    yield server
    connections["audit"].close()
    connections["audit"], connections.settings["audit"] = before
    server.close()


def waiting():
    """Return how many entries wait in the spool."""
    (path,) = spool.files("audit")
    return len(path.read_text().splitlines())


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_database_that_never_answers_is_asked_once_a_while(silent, client, monkeypatch):
    for _ in range(5):
        assert client.get("/forbidden/").status_code == 403
    assert silent.count() == 1
    assert waiting() == 5
    monkeypatch.setattr(delivery._pause, "_until", 1.0)
    record("auth.logout")
    record("auth.logout")
    assert silent.count() == 2
    assert waiting() == 7


@pytest.mark.django_db(transaction=True)
def test_without_a_spool_a_pause_keeps_nothing_from_the_database(settings, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    settings.AUTHAUDIT_SPOOL_DIR = str(tmp_path / "file" / "spool")
    monkeypatch.setattr(delivery, "_pause", Pause())
    delivery._pause.follow(5, failed=True)
    record("auth.logout")
    assert AuditLog.objects.count() == 1
    assert delivery._lost == []


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(pause.time, "monotonic", lambda: now[0])
    return now


def test_only_a_slow_failure_begins_a_pause(clock):
    tried = Pause()
    assert not tried.under_way()
    tried.follow(pause.SLOW, failed=True)
    assert not tried.under_way()
    tried.follow(60, failed=False)
    assert not tried.under_way()
    tried.follow(pause.SLOW + 0.1, failed=True)
    assert tried.under_way()


def test_when_a_pause_is_over_one_tries_and_the_others_do_not_wait(clock):
    tried = Pause()
    tried.follow(2, failed=True)
    clock[0] += pause.LENGTH
    assert not tried.under_way()
    assert tried.under_way()
    tried.follow(0.001, failed=False)
    assert not tried.under_way()
    assert not tried.under_way()

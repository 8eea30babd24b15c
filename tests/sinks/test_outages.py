"""Receivers and shippers are killed in the middle of a stream: everything arrives, in order."""

import json
import re
import signal
import time

import pytest
from django.db import OperationalError

from django_authaudit.models import AuditShipment
from tests.management.conftest import default_in_file, empty_file, project
from tests.sinks.receivers import store
from tests.sinks.server import Server, certificate_for

__all__ = ["default_in_file", "empty_file", "project"]
COUNT = 1200
AT_ONCE = 20
BATCH = 50
KILLS = 3


def http(server, folder):
    url = f"http://127.0.0.1:{server.port}/"
    return {"BACKEND": "django_authaudit.sinks.http.HttpSink", "OPTIONS": {"url": url}}


def syslog(server, folder):
    options = {"host": "127.0.0.1", "port": server.port, "ca_file": str(folder / "ca.pem")}
    return {"BACKEND": "django_authaudit.sinks.syslog.SyslogSink", "OPTIONS": options}


def otlp(server, folder):
    url = f"http://127.0.0.1:{server.port}/v1/logs"
    return {"BACKEND": "django_authaudit.sinks.otlp.OtlpSink", "OPTIONS": {"endpoint": url}}


# The kind of server, and the sink that is shipped to it.
SINKS = {"http": ("http", http), "syslog": ("syslog", syslog), "otlp": ("http", otlp)}


@pytest.fixture(params=SINKS)
def way(request):
    return SINKS[request.param]


@pytest.fixture
def server(way, tmp_path):
    _, certificate = certificate_for("127.0.0.1", tmp_path)
    server = Server(way[0], tmp_path, certificate if way[0] == "syslog" else "")
    yield server
    server.kill()


@pytest.fixture
def follow(project, server, way, tmp_path):
    """Return a function that starts a shipper to the server."""
    config = way[1](server, tmp_path)
    config["OPTIONS"]["batch_size"] = BATCH
    project.environment |= {
        "DJANGO_SETTINGS_MODULE": "tests.settings_shipping",
        "AUDIT_SINKS": json.dumps({"siem": config}),
    }
    return lambda: project.start("ship_audit_log", "--follow")


def numbers(lines):
    """Return the numbers in the names of what arrived, whatever the format."""
    return [int(re.search(r"user(\d+)", line)[1]) for line in lines]


def store_in_spite_of_locks(names):
    while True:
        try:
            return store(*names)
        except OperationalError:
            time.sleep(0.01)


def wait_for_more(project, server):
    seen = len(server.lines)
    project.wait_until(lambda: len(server.lines) > seen)


def test_nothing_is_lost_while_receiver_and_shipper_are_killed(server, follow, project):
    server.start()
    shipper = follow()
    for start in range(0, COUNT, AT_ONCE):
        store_in_spite_of_locks([f"user{start + number}" for number in range(AT_ONCE)])
        if start % (COUNT // KILLS) == COUNT // KILLS // 2 // AT_ONCE * AT_ONCE:
            wait_for_more(project, server)
            server.kill()
            server.start()
    shipper.send_signal(signal.SIGKILL)
    # As if its lease had ended.
    AuditShipment.objects.update(holder="", held_until=None)
    follow()
    project.wait_until(lambda: len(set(numbers(server.lines))) == COUNT)

    got = numbers(server.lines)
    assert list(dict.fromkeys(got)) == list(range(COUNT))
    assert len(got) - COUNT <= (KILLS + 1) * BATCH
    project.wait_until(lambda: AuditShipment.objects.get().shipped == COUNT)

"""Real servers: preloaded and forked workers, and ASGI."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter

import pytest
from django.db import connection

from django_authaudit.models import AuditLog

pytestmark = pytest.mark.django_db(transaction=True)
REQUESTS = 40


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a server on the test database and gives its address."""
    started = []

    def start(*command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "{}:{}".format(*free.getsockname())
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings_server",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "XDG_STATE_HOME": str(tmp_path),
        }
        host, port = address.split(":")
        arguments = [part.format(address=address, host=host, port=port) for part in command]
        log = (tmp_path / "server.log").open("wb")
        started.append(
            (
                subprocess.Popen(
                    [sys.executable, "-m", *arguments], env=environment, stdout=log, stderr=log
                ),
                log,
            )
        )
        _wait_for(f"http://{address}/")
        return f"http://{address}"

    yield start
    for process, log in started:
        process.terminate()
        process.wait()
        log.close()


def _wait_for(url):
    for _ in range(300):
        try:
            urllib.request.urlopen(url).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"nobody answers at {url}")


def _refused(url):
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(url)
    refusal.value.close()
    return refusal.value.code


def test_workers_forked_from_a_preloaded_process_record_under_names_of_their_own(serve):
    address = serve("gunicorn", "--preload", "--workers", "2", "--bind", "{address}", "tests.wsgi")
    codes = Counter(_refused(f"{address}/forbidden/") for _ in range(REQUESTS))
    assert codes == {403: REQUESTS}
    numbers = list(AuditLog.objects.values_list("writer", "sequence"))
    assert len(numbers) == len(set(numbers)) == REQUESTS
    for writer in {writer for writer, _ in numbers}:
        sequence = sorted(number for name, number in numbers if name == writer)
        assert sequence == list(range(1, len(sequence) + 1))


def test_an_asgi_server_records_sync_and_async_views(serve):
    address = serve("uvicorn", "--host", "{host}", "--port", "{port}", "tests.asgi:application")
    for path in ("/forbidden/", "/forbidden-async/") * (REQUESTS // 2):
        assert _refused(address + path) == 403
    rows = AuditLog.objects.order_by("id")
    assert len(rows) == REQUESTS
    assert {row.ip_address for row in rows} == {"127.0.0.1"}
    assert Counter(row.path for row in rows) == {
        "/forbidden/": REQUESTS // 2,
        "/forbidden-async/": REQUESTS // 2,
    }

"""OpenTelemetry logs: what a collector decodes, and what each of its answers means."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import checks as django_checks
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsPartialSuccess,
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from django_authaudit import checks
from django_authaudit.entry import make_entry, new_id
from django_authaudit.exceptions import RejectedError, UnavailableError
from django_authaudit.sinks.otlp import OtlpSink
from tests.sinks.receivers import DATABASE, entries
from tests.sinks.server import Server, certificate_for

BACKEND = "django_authaudit.sinks.otlp.OtlpSink"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers, body))
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


@pytest.fixture
def collector():
    """Yield a collector on loopback: what it `got`, and its `answer`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.answer = [], (200, b"")
    server.url = f"http://127.0.0.1:{server.server_port}/v1/logs"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_collector_decodes_what_it_was_sent(collector, settings):
    settings.AUTHAUDIT_SERVICE_NAME = "shop"
    entry = make_entry(
        id=new_id(),
        event="authz.forbidden",
        outcome="failure",
        user_id=7,
        username="zoë",
        ip_address="2001:db8::1",
        method="GET",
        path="/staff/",
    )

    OtlpSink(collector.url, headers={"X-Token": "abc"}, compress=False).emit([entry])

    ((path, headers, body),) = collector.got
    assert (path, headers["X-Token"]) == ("/v1/logs", "abc")
    (logs,) = ExportLogsServiceRequest.FromString(body).resource_logs
    named = {item.key: item.value.string_value for item in logs.resource.attributes}
    assert named == {"service.name": "shop"}
    (record,) = logs.scope_logs[0].log_records
    assert json.loads(record.body.string_value)["id"] == str(entry.id)
    assert record.time_unix_nano == int(entry.created_at.timestamp() * 1000) * 10**6
    assert (record.event_name, record.severity_text) == ("authz.forbidden", "medium")
    assert record.severity_number == 13
    assert {item.key: item.value.string_value for item in record.attributes} == {
        "log.record.uid": str(entry.id),
        "event.outcome": "failure",
        "user.id": "7",
        "user.name": "zoë",
        "client.address": "2001:db8::1",
        "http.request.method": "GET",
        "url.path": "/staff/",
    }


@pytest.mark.parametrize("status", [400, 413, 422])
def test_some_answers_mean_that_the_entries_are_wrong(collector, status):
    collector.answer = (status, b"")

    with pytest.raises(RejectedError, match=str(status)):
        OtlpSink(collector.url).emit(entries("ada"))


@pytest.mark.parametrize("status", [301, 307, 401, 404, 503])
def test_all_others_mean_that_they_are_to_be_sent_again(collector, status):
    collector.answer = (status, b"")

    with pytest.raises(UnavailableError, match="collector answered"):
        OtlpSink(collector.url, timeout=0.3).emit(entries("ada"))


def test_a_collector_that_took_only_a_part_did_not_take_the_batch(collector):
    part = ExportLogsPartialSuccess(rejected_log_records=1, error_message="bad time")
    collector.answer = (200, ExportLogsServiceResponse(partial_success=part).SerializeToString())

    with pytest.raises(RejectedError, match="bad time"):
        OtlpSink(collector.url).emit(entries("ada"))


def test_a_collector_that_is_not_there_is_away(collector):
    collector.server_close()

    with pytest.raises(UnavailableError, match="did not answer"):
        OtlpSink("http://127.0.0.1:9/v1/logs", timeout=0.3).emit(entries("ada"))


def test_a_server_is_verified(tmp_path):
    ca_file, certificate = certificate_for("127.0.0.1", tmp_path)
    server = Server("http", tmp_path, certificate).start()
    try:
        url = f"https://127.0.0.1:{server.port}/v1/logs"
        with pytest.raises(UnavailableError, match="did not answer"):
            OtlpSink(url, timeout=0.3).emit(entries("eve"))
        OtlpSink(url, ca_file=str(ca_file)).emit(entries("ada"))
        (line,) = server.lines
        assert "ada" in json.loads(line)["body"]["stringValue"]
    finally:
        server.kill()


def messages(settings, **options):
    config = {"BACKEND": BACKEND, "OPTIONS": options}
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "otlp": config}
    found = django_checks.run_checks(tags=[checks.TAG])
    return {m.id.rpartition(".")[2]: m.msg for m in found if m.id.endswith(("E107", "W101"))}


def test_checks_say_what_is_wrong_with_the_options(settings):
    assert messages(settings, endpoint="https://collector.example.com/v1/logs") == {}
    assert messages(settings, endpoint="http://localhost:4318/v1/logs") == {}
    warned = messages(settings, endpoint="http://collector/v1/logs?key=s3cret")
    assert set(warned) == {"W101"}
    assert "s3cret" not in warned["W101"]
    assert "no URL" in messages(settings, endpoint="collector:4317")["E107"]


def test_a_missing_exporter_is_named_with_what_installs_it(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http", None)

    assert (
        "pip install django-authaudit[otlp]"
        in messages(settings, endpoint="https://collector.example.com/v1/logs")["E107"]
    )

"""Batches over HTTP: what is sent, what each answer means, and nothing lost when it is away."""

import gzip
import json
import threading
from datetime import timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import checks as django_checks
from django.utils import timezone

from django_authaudit import checks
from django_authaudit.exceptions import RejectedError, UnavailableError
from django_authaudit.models import AuditShipmentRejection
from django_authaudit.sinks.http import AxiomSink, DatadogSink, HttpSink, SplunkSink
from tests.management.rows import days_ago
from tests.sinks.receivers import DATABASE, entries, receivers, ship, store
from tests.sinks.server import Server, certificate_for

__all__ = ["receivers"]
BACKEND = "django_authaudit.sinks.http.HttpSink"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, self.headers, body))
        status, headers, text = self.server.answer(body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


@pytest.fixture
def intake():
    """Yield a server on loopback: what it `got`, and how it is to `answer`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got = []
    server.answer = lambda body: (200, {}, b"")
    server.url = f"http://127.0.0.1:{server.server_port}/in?x=1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def answering(status, headers=None, text=b""):
    return lambda body: (status, headers or {}, text)


def test_a_batch_is_an_array_with_the_headers_of_the_settings(intake):
    HttpSink(intake.url, {"X-Token": "abc"}).emit(entries("ada", "bob"))

    ((path, headers, body),) = intake.got
    assert [item["username"] for item in json.loads(body)] == ["ada", "bob"]
    assert (path, headers["X-Token"]) == ("/in?x=1", "abc")
    assert headers["Content-Type"] == "application/json"


def test_a_batch_may_be_lines_of_any_format_and_compressed(intake):
    HttpSink(intake.url, format="ecs", body="lines", compress=True).emit(entries("ada", "bob"))

    ((_, headers, body),) = intake.got
    lines = gzip.decompress(body).decode().splitlines()
    assert [json.loads(line)["user"]["name"] for line in lines] == ["ada", "bob"]
    assert headers["Content-Encoding"] == "gzip"
    assert headers["Content-Type"] == "application/x-ndjson"


def test_a_url_without_a_path_is_the_root(intake):
    HttpSink(f"http://127.0.0.1:{intake.server_port}").emit(entries("ada"))

    assert intake.got[0][0] == "/"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_some_answers_mean_that_the_entries_are_wrong(intake, status):
    intake.answer = answering(status, text=b"no\nsuch field")

    with pytest.raises(RejectedError, match=rf"^{status} .*no such field$"):
        HttpSink(intake.url).emit(entries("ada"))


@pytest.mark.parametrize("status", [301, 401, 403, 404, 429, 500, 503])
def test_all_others_mean_that_they_are_to_be_sent_again(intake, status):
    intake.answer = answering(status, {"Location": "http://127.0.0.1:1/"})

    with pytest.raises(UnavailableError, match=rf"^{status} ") as caught:
        HttpSink(intake.url).emit(entries("ada"))
    assert caught.value.retry_after is None


def in_an_hour():
    return timezone.now() + timedelta(hours=1)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [
        (lambda: "120", 120),
        (lambda: format_datetime(in_an_hour(), usegmt=True), 3600),
        (lambda: f"{in_an_hour():%a, %d %b %Y %H:%M:%S} -0000", 3600),
        (lambda: "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        (lambda: "soon", None),
    ],
    ids=["seconds", "date", "date without a zone", "date of the past", "no date"],
)
def test_a_receiver_that_says_when_to_come_back_is_believed(intake, asked, seconds):
    intake.answer = answering(503, {"Retry-After": asked()})

    with pytest.raises(UnavailableError) as caught:
        HttpSink(intake.url).emit(entries("ada"))
    assert caught.value.retry_after == (seconds and pytest.approx(seconds, abs=60))


@pytest.mark.parametrize("status", [400, 503])
def test_what_a_receiver_says_does_nothing_to_a_terminal(intake, status):
    intake.answer = answering(status, text=b"\x1b[2Jno\r\n\xc2\x9bway")
    with pytest.raises((RejectedError, UnavailableError), match=r"no.*way") as refusal:
        HttpSink(intake.url).emit(entries("ada"))
    assert str(refusal.value).isprintable()


def test_one_that_never_answers_is_given_up(intake):
    silent = threading.Event()
    intake.answer = lambda body: silent.wait(30) and None
    try:
        with pytest.raises(TimeoutError):
            HttpSink(intake.url, timeout=0.2).emit(entries("ada"))
    finally:
        silent.set()


@pytest.mark.django_db(transaction=True)
def test_a_batch_that_is_too_large_is_halved_until_it_fits(settings, intake):
    intake.answer = lambda body: (413 if len(json.loads(body)) > 2 else 200, {}, b"")
    config = {"BACKEND": BACKEND, "OPTIONS": {"url": intake.url}}
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": config}
    store(*"abcdefg")

    (route,) = ship()

    taken = [
        item["username"]
        for _, _, body in intake.got
        if len(json.loads(body)) <= 2
        for item in json.loads(body)
    ]
    assert (taken, route.error) == ([*"abcdefg"], "")
    assert AuditShipmentRejection.objects.count() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "ftp://example.com/"}, "no URL"),
        ({"url": "example.com/s3cret"}, r"^The url is no URL that begins with https://.$"),
        ({"url": "https://bob:s3cret@example.com/"}, r"^The url holds a user name, [^:]*: use"),
        ({"url": "https://x/", "body": "xml"}, "neither 'array' nor 'lines'"),
        ({"url": "https://x/", "format": "csv"}, "An array is of JSON"),
        ({"url": "https://x/", "format": "xml", "body": "lines"}, "no format"),
        ({"url": "https://x:https/"}, "Port"),
        ({"url": "https://x/", "headers": {"Authorization": None}}, "'Authorization' is empty"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        HttpSink(**options)


@pytest.mark.parametrize("value", ["Bearer s3cret\n", " s3cret", "s3\rcret", ""])
@pytest.mark.parametrize("backend", ["http.HttpSink", "otlp.OtlpSink"])
def test_a_header_that_http_cannot_carry_is_found_by_the_check_which_keeps_it_secret(
    settings, backend, value
):
    options = {"headers": {"Authorization": value}}
    options |= {"url": "https://x/"} if backend == "http.HttpSink" else {"endpoint": "https://x/"}
    config = {"BACKEND": f"django_authaudit.sinks.{backend}", "OPTIONS": options}
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": config}

    found = django_checks.run_checks(tags=[checks.TAG])

    (message,) = [m for m in found if m.id == "django_authaudit.E107"]
    assert "The header 'Authorization'" in message.msg
    assert "cret" not in message.msg


def test_w101_entries_are_sent_over_the_network_as_plain_text(settings):
    def found(url):
        config = {"BACKEND": BACKEND, "OPTIONS": {"url": url}}
        settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": config}
        messages = django_checks.run_checks(tags=[checks.TAG])
        return [m for m in messages if m.id == "django_authaudit.W101"]

    (message,) = found("http://siem.example.com/s3cret?key=s3cret")
    assert "to siem.example.com without encryption" in message.msg
    assert "s3cret" not in message.msg
    assert found("https://siem.example.com/in") == found("http://127.0.0.1:8088/") == []


def test_datadog_gets_logs_with_its_key_and_no_time_that_it_would_not_take(intake, settings):
    settings.AUTHAUDIT_SERVICE_NAME = "shop"
    sink = DatadogSink("key", site="datadoghq.eu")
    assert sink.url.geturl() == "https://http-intake.logs.datadoghq.eu/api/v2/logs"
    sink = DatadogSink("key", url=intake.url, headers={"DD-EXTRA": "1"})

    sink.emit([*entries("ada"), *entries("old", moment=days_ago(2))])

    ((_, headers, body),) = intake.got
    assert (headers["DD-API-KEY"], headers["DD-EXTRA"]) == ("key", "1")
    new, old = json.loads(gzip.decompress(body))
    assert json.loads(new["message"])["username"] == "ada"
    assert (new["ddsource"], new["service"]) == ("django_authaudit", "shop")
    assert "timestamp" in new
    assert "timestamp" not in old


def test_axiom_gets_a_token_and_says_of_each_event_whether_it_took_it(intake):
    intake.answer = answering(200, text=b'{"ingested": 1, "failed": 0, "failures": []}')
    AxiomSink(intake.url, "secret").emit(entries("ada"))
    assert intake.got[0][1]["Authorization"] == "Bearer secret"

    intake.answer = answering(200, text=b'{"failed": 1, "failures": [{"error": "bad"}]}')
    with pytest.raises(RejectedError, match="bad"):
        AxiomSink(intake.url, "secret").emit(entries("ada"))


def test_splunk_gets_events_with_their_time(intake):
    made = entries("ada", "bob")
    SplunkSink(intake.url, "secret", index="security").emit(made)

    ((_, headers, body),) = intake.got
    assert headers["Authorization"] == "Splunk secret"
    ada, bob = map(json.loads, body.splitlines())
    assert (ada["time"], ada["index"]) == (made[0].created_at.timestamp(), "security")
    assert (ada["sourcetype"], bob["event"]["username"]) == ("django_authaudit", "bob")


@pytest.fixture
def certified(tmp_path):
    return certificate_for("127.0.0.1", tmp_path)


@pytest.fixture
def https(tmp_path, certified):
    server = Server("http", tmp_path, certified[1])
    yield server
    server.kill()


def test_a_server_is_verified(https, certified):
    https.start()
    url = f"https://127.0.0.1:{https.port}/"

    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        HttpSink(url).emit(entries("eve"))
    HttpSink(url, ca_file=str(certified[0])).emit(entries("ada"))

    assert [json.loads(line)["username"] for line in https.lines] == ["ada"]

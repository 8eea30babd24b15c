"""Syslog: what is sent over each transport, and how far a receiver can be trusted to have it."""

import os
import socket
import ssl
import threading

import pytest
import trustme
from django.core import checks as django_checks

from django_authaudit import checks
from django_authaudit.exceptions import RejectedError
from django_authaudit.formats import syslog as rfc5424
from django_authaudit.sinks.syslog import SyslogSink
from tests.sinks.receivers import DATABASE, entries
from tests.sinks.server import Server, certificate_for, split

BACKEND = "django_authaudit.sinks.syslog.SyslogSink"


@pytest.fixture
def certified(tmp_path):
    return certificate_for("127.0.0.1", tmp_path)


@pytest.fixture
def server(tmp_path, certified):
    server = Server("syslog", tmp_path, certified[1]).start()
    yield server
    server.kill()


class Listener:
    """A receiver that does to its only connection what a test says."""

    def __init__(self, treat):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.got = b""
        self._treat = treat
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        connection, _ = self.socket.accept()
        with connection:
            self._treat(self, connection)

    def stop(self):
        self._thread.join(10)
        self.socket.close()


def read_all(listener, connection):
    while piece := connection.recv(4096):
        listener.got += piece


@pytest.fixture
def listen():
    listeners = []

    def start(treat=read_all):
        listeners.append(Listener(treat))
        return listeners[-1]

    yield start
    for listener in listeners:
        listener.stop()


def test_messages_arrive_over_tls_each_with_its_length(server, certified):
    made = entries("ada", "zoë\n🙂", "bob")
    SyslogSink("127.0.0.1", server.port, ca_file=str(certified[0])).emit(made)

    assert server.lines == [rfc5424.dumps(entry) for entry in made]


def test_a_server_that_nobody_vouches_for_gets_nothing(server):
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        SyslogSink("127.0.0.1", server.port).emit(entries("ada"))
    assert server.lines == []


def test_a_client_can_show_a_certificate_of_its_own(listen, tmp_path, certified):
    authority = trustme.CA()
    client = tmp_path / "client.pem"
    authority.issue_cert("audit@example.com").private_key_and_cert_chain_pem.write_to_path(client)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certified[1])
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED

    def treat(listener, connection):
        with context.wrap_socket(connection, server_side=True) as encrypted:
            listener.subject = encrypted.getpeercert()["subjectAltName"]
            read_all(listener, encrypted)
            encrypted.unwrap()

    listener = listen(treat)
    sink = SyslogSink(
        "127.0.0.1", listener.port, ca_file=str(certified[0]), certificate=str(client)
    )
    sink.emit(entries("ada"))

    assert listener.subject == (("email", "audit@example.com"),)


@pytest.mark.parametrize("framing", ["octets", "lines"])
def test_messages_arrive_over_tcp_in_the_framing_that_is_chosen(listen, framing):
    listener = listen()
    made = entries("ada", "bob")
    SyslogSink("127.0.0.1", listener.port, transport="tcp", framing=framing).emit(made)
    listener.stop()

    messages = [rfc5424.dumps(entry) for entry in made]
    if framing == "lines":
        assert listener.got.decode().splitlines() == messages
    else:
        assert split(listener.got) == (messages, b"")


def test_messages_are_datagrams_over_udp():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        made = entries("ada", "bob")
        SyslogSink("127.0.0.1", receiver.getsockname()[1], transport="udp").emit(made)
        got = [receiver.recv(65535).decode() for _ in made]

    assert got == [rfc5424.dumps(entry) for entry in made]


def test_an_entry_that_no_datagram_holds_is_rejected():
    (entry,) = entries("ada")
    object.__setattr__(entry, "metadata", {"reason": "x" * 70_000})

    with pytest.raises(RejectedError, match="65507 bytes"):
        SyslogSink("127.0.0.1", 9, transport="udp").emit([entry])


def answer_something(listener, connection):
    read_all(listener, connection)
    connection.sendall(b"thank you")


def test_what_a_receiver_says_means_nothing(listen):
    SyslogSink("127.0.0.1", listen(answer_something).port, transport="tcp").emit(entries("ada"))


def close_at_once(listener, connection):
    connection.recv(1)


def never_close(listener, connection):
    listener.release = threading.Event()
    listener.release.wait(10)


@pytest.mark.parametrize("number", [1, 3_000])
def test_a_receiver_that_dies_with_something_unread_has_had_nothing(listen, number):
    listener = listen(close_at_once)
    sink = SyslogSink("127.0.0.1", listener.port, transport="tcp")

    with pytest.raises(OSError, match=r"reset|[Bb]roken pipe|not connected"):
        sink.emit(entries(*["ada"] * number))


def test_a_receiver_that_never_ends_the_connection_is_given_up_unless_nobody_asks(listen):
    listener = listen(never_close)
    sink = SyslogSink("127.0.0.1", listener.port, transport="tcp", timeout=0.2)
    with pytest.raises(TimeoutError):
        sink.emit(entries("ada"))
    listener.release.set()

    listener = listen(never_close)
    SyslogSink("127.0.0.1", listener.port, transport="tcp", confirm=False).emit(entries("ada"))
    listener.release.set()


def test_a_receiver_that_is_killed_before_it_confirms_over_tls_has_had_nothing(listen, certified):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certified[1])

    def treat(listener, connection):
        encrypted = context.wrap_socket(connection, server_side=True)
        read_all(listener, encrypted)
        # As the kernel does for a process that was killed: no word of TLS any more.
        os.close(encrypted.detach())

    ca_file = str(certified[0])
    with pytest.raises(OSError, match=r"EOF|closed|reset"):
        SyslogSink("127.0.0.1", listen(treat).port, ca_file=ca_file, timeout=2).emit(entries("a"))
    SyslogSink("127.0.0.1", listen(treat).port, ca_file=ca_file, confirm=False).emit(entries("a"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"transport": "smoke"}, "transport is 'smoke'"),
        ({"framing": "words"}, "framing is 'words'"),
        ({"format": "xml"}, "'xml' is no format"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        SyslogSink("localhost", **options)


def test_the_ports_of_the_standards_are_the_defaults():
    assert SyslogSink("h").address == ("h", 6514)
    assert SyslogSink("h", transport="tcp").address == ("h", 514)


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"host": "siem.example.com"}, set()),
        ({"host": "localhost", "transport": "tcp"}, set()),
        ({"host": "siem.example.com", "transport": "tcp"}, {"W101"}),
        ({"host": "siem.example.com", "transport": "udp"}, {"W101", "W102"}),
        ({"host": "127.0.0.1", "transport": "udp"}, {"W102"}),
        ({"host": "h", "ca_file": "/nowhere/ca.pem"}, {"E107"}),
    ],
)
def test_w102_checks_say_what_a_transport_does_not_do(settings, options, ids):
    config = {"BACKEND": BACKEND, "OPTIONS": options}
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": config}

    found = {
        message.id.rpartition(".")[2] for message in django_checks.run_checks(tags=[checks.TAG])
    }

    assert found & {"W101", "W102", "E107"} == ids

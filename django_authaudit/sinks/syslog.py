"""Syslog over TLS, TCP or UDP, framed by RFC 6587.

Syslog answers nothing, so a batch is a connection, and that the receiver ends it in good order is
the only sign that it has read everything. Over TLS that sign is exact. Over TCP a receiver that is
killed after it has read looks the same; over UDP there is no sign at all.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from django.core.checks import CheckMessage, Warning

from django_authaudit.entry import Entry
from django_authaudit.exceptions import RejectedError
from django_authaudit.formats import make_format
from django_authaudit.sinks.base import NetworkSink, is_this_machine, tls, warn_of_plain_text

_TRANSPORTS = ("tls", "tcp", "udp")
_FRAMINGS = ("octets", "lines")
_COURTESY = 1.0
"""Seconds that the end of a connection is waited for, where nothing depends on it."""
_LARGEST_DATAGRAM = 65_507


class SyslogSink(NetworkSink):
    """Sends each entry as a message to the syslog server at `host`.

    `transport` is "tls" (RFC 5425), "tcp" or "udp"; `port` is theirs by default. `framing` is
    "octets", which counts, or "lines". `ca_file` verifies the server instead of the system's
    authorities; `certificate` is a PEM file with our own and its key. `confirm` wants
    the receiver to end the connection in good order, as the sign that it has read everything.
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        transport: str = "tls",
        framing: str = "octets",
        format: str = "syslog",
        format_options: Mapping[str, Any] | None = None,
        ca_file: str | None = None,
        certificate: str | None = None,
        confirm: bool = True,
        timeout: float = 10.0,
        batch_size: int = 500,
    ) -> None:
        if transport not in _TRANSPORTS:
            raise ValueError(f"transport is {transport!r}, none of {', '.join(_TRANSPORTS)}.")
        if framing not in _FRAMINGS:
            raise ValueError(f"framing is {framing!r}, none of {', '.join(_FRAMINGS)}.")
        self.address = (host, port or (6514 if transport == "tls" else 514))
        self.transport = transport
        self.framing = framing
        self.format = make_format(format, **(format_options or {}))
        self.tls = tls(ca_file, certificate) if transport == "tls" else None
        if self.tls is not None:
            # Else some builds of Python take a receiver's death for its farewell.
            self.tls.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)
        self.confirm = confirm
        self.timeout = timeout
        self.batch_size = batch_size

    def emit(self, entries: Sequence[Entry]) -> None:
        """Send `entries`; raise OSError, and RejectedError for one that no datagram holds."""
        messages = [self.format.dumps(entry).encode() for entry in entries]
        if self.transport == "udp":
            self._send_datagrams(messages)
        else:
            self._send_stream(b"".join(map(self._frame, messages)))

    def check(self) -> Iterable[CheckMessage]:
        """Yield W101 for what anybody can read on the way, and W102 for what may get lost."""
        host, port = self.address
        if self.tls is None and not is_this_machine(host):
            yield warn_of_plain_text(f"{host}:{port}")
        if self.transport == "udp":
            yield Warning(
                f"Entries are sent to {host}:{port} over UDP, and nobody learns of those that do "
                "not arrive.",
                hint="Use the transport 'tls'.",
                id="django_authaudit.W102",
            )

    def _frame(self, message: bytes) -> bytes:
        return message + b"\n" if self.framing == "lines" else b"%d %b" % (len(message), message)

    def _send_stream(self, data: bytes) -> None:
        with socket.create_connection(self.address, self.timeout) as connection:
            if self.tls is None:
                connection.sendall(data)
                self._end(connection, partial(_end_plain, connection))
                return
            with self.tls.wrap_socket(connection, server_hostname=self.address[0]) as encrypted:
                encrypted.sendall(data)
                # Returns when the receiver has answered that it has read to the end.
                self._end(encrypted, encrypted.unwrap)

    def _end(self, connection: socket.socket, end: Callable[[], object]) -> None:
        if self.confirm:
            end()
            return
        # Closed without a word, it could take back what the receiver has not read yet.
        connection.settimeout(_COURTESY)
        with suppress(OSError):
            end()

    def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        if max(map(len, messages)) > _LARGEST_DATAGRAM:
            raise RejectedError(f"A datagram holds {_LARGEST_DATAGRAM} bytes.")
        family, kind, _, _, address = socket.getaddrinfo(*self.address, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as sender:
            for message in messages:
                sender.sendto(message, address)


def _end_plain(connection: socket.socket) -> None:
    """Say that nothing follows, and wait for the same; raise OSError if anything was unread."""
    connection.shutdown(socket.SHUT_WR)
    while connection.recv(4096):
        pass

"""What a sink is."""

from __future__ import annotations

import re
import ssl
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.core.checks import CheckMessage, Warning

from django_authaudit.cleaning import show_unsafe
from django_authaudit.entry import Entry


class Sink(ABC):
    """Takes entries somewhere. It is made once per process, with its OPTIONS."""

    in_line: bool = True
    """Does it take entries before the response leaves? If not, ``ship_audit_log`` brings them.

    A sink's ``IN_LINE`` in the settings overrides it.
    """
    spools: bool = False
    """Does what the sink refuses go to the spool, to be replayed into the database?"""
    durable: bool = True
    """Does what it took outlast the process?"""
    batch_size: int = 500
    """Entries that ``ship_audit_log`` brings at once, at most."""

    @abstractmethod
    def emit(self, entries: Sequence[Entry]) -> None:
        """Store all of `entries` durably, or raise and store none of them.

        To ``ship_audit_log``, `exceptions.RejectedError` says that these very entries are never
        taken, and anything else that they have to be sent again.
        """

    def check(self) -> Iterable[CheckMessage]:
        """Return what is wrong with the sink's options."""
        return ()


class NetworkSink(Sink):
    """A sink that waits for another machine, as no request may."""

    in_line = False

    timeout: float = 10.0
    """Seconds to wait for each answer of the other machine, at most LONGEST_TIMEOUT."""


LONGEST_TIMEOUT = 30.0
"""Seconds; after four times as long another shipper takes over from one that tells nothing.

Four waits are those for two addresses of a host, for TLS and for the answer.
"""


_HEADER_VALUE = re.compile(r"[!-~\x80-\xff]([\t -~\x80-\xff]*[!-~\x80-\xff])?")


def checked_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """Return `headers`; raise ValueError, which tells no value, for what HTTP cannot carry.

    Found at the first batch, it would be an error that quotes a token.
    """
    for name, value in headers.items():
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise ValueError(
                f"The header {name!r} is empty, no text, or has a blank or line break at its end."
            )
    return dict(headers)


def said(answer: str) -> str:
    """Return what a receiver answered as one line that does nothing to a log or a terminal."""
    return show_unsafe(" ".join(answer.split()))


def tls(ca_file: str | None, certificate: str | None = None) -> ssl.SSLContext:
    """Return what verifies a server by `ca_file`, by default by the system's authorities.

    `certificate` is a PEM file with our own certificate and its key. Raises OSError for files that
    cannot be read.
    """
    context = ssl.create_default_context(cafile=ca_file)
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def warn_of_plain_text(place: str) -> Warning:
    """Return the warning W101: anybody on the way reads along.

    `place` is a host: the path or query of a URL may be the receiver's secret.
    """
    return Warning(
        f"Entries are sent to {place} without encryption: whoever is on the way can read and "
        "change them.",
        hint="Use TLS, or silence this check if the network is yours.",
        id="django_authaudit.W101",
    )


def is_this_machine(host: str) -> bool:
    """Return whether `host` names the loopback interface."""
    return host == "localhost" or host.startswith("127.") or host == "::1"

"""Batches over HTTP: for any intake of JSON, and as presets for Datadog, Axiom and Splunk."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage

from django_authaudit.entry import Entry
from django_authaudit.exceptions import RejectedError, UnavailableError
from django_authaudit.formats import make_format
from django_authaudit.formats.base import PRODUCT, service_name
from django_authaudit.sinks.base import (
    NetworkSink,
    checked_headers,
    is_this_machine,
    said,
    tls,
    warn_of_plain_text,
)

_WRONG_ENTRIES = (400, 413, 422)
"""What a receiver answers to a batch that it never takes; 413 says that it is too large."""
_LONGEST_ANSWER = 64 * 1024
_SHOWN = 200
_JSON = ("jsonl", "ocsf", "ecs", "owasp")


class HttpSink(NetworkSink):
    """POSTs batches to `url`: as a JSON array, or as lines (`body` is "array" or "lines").

    `headers` go with each request, `ca_file` verifies the server instead of the system's
    authorities, `compress` sends gzip. Redirects are not followed: they would carry the headers
    to somebody else.
    """

    def __init__(
        self,
        url: str,
        headers: Mapping[str, str] | None = None,
        format: str = "jsonl",
        format_options: Mapping[str, Any] | None = None,
        body: str = "array",
        compress: bool = False,
        ca_file: str | None = None,
        timeout: float = 10.0,
        batch_size: int = 500,
    ) -> None:
        self.url = urlsplit(url)
        if self.url.scheme not in ("http", "https") or not self.url.hostname:
            raise ValueError("The url is no URL that begins with https://.")
        if self.url.username is not None:
            raise ValueError("The url holds a user name, which is not sent: use headers.")
        # Reading it raises ValueError for one that is no number.
        self.port = self.url.port
        if body not in ("array", "lines"):
            raise ValueError(f"body is {body!r}, neither 'array' nor 'lines'.")
        if body == "array" and format not in _JSON:
            raise ValueError(f"An array is of JSON, as {', '.join(_JSON)} are, not of {format!r}.")
        self.format = make_format(format, **(format_options or {}))
        self.body = body
        self.compress = compress
        self.timeout = timeout
        self.batch_size = batch_size
        self.tls = tls(ca_file) if self.url.scheme == "https" else None
        self.headers = {
            "Content-Type": "application/json" if body == "array" else self.format.media_type,
            "User-Agent": PRODUCT,
            **({"Content-Encoding": "gzip"} if compress else {}),
            **checked_headers(headers or {}),
        }

    def emit(self, entries: Sequence[Entry]) -> None:
        """POST `entries` as one body; raise RejectedError, UnavailableError or OSError."""
        text = self.join([self.write(entry) for entry in entries])
        data = gzip.compress(text.encode()) if self.compress else text.encode()
        connection = self._connect()
        try:
            connection.request("POST", self._target(), data, self.headers)
            with connection.getresponse() as answer:
                self.understand(answer, answer.read(_LONGEST_ANSWER))
        finally:
            connection.close()

    def write(self, entry: Entry) -> str:
        """Return one entry as the receiver wants it."""
        return self.format.dumps(entry)

    def join(self, items: Sequence[str]) -> str:
        """Return the body of `items`."""
        if self.body == "array":
            return f"[{','.join(items)}]"
        return "".join(f"{item}\n" for item in items)

    def understand(self, answer: HTTPResponse, body: bytes) -> None:
        """Return if the batch was taken; raise RejectedError or UnavailableError."""
        if 200 <= answer.status < 300:
            return
        text = body[:_SHOWN].decode("utf-8", "backslashreplace")
        message = said(f"{answer.status} {answer.reason} {text}")
        if answer.status in _WRONG_ENTRIES:
            raise RejectedError(message)
        raise UnavailableError(message, _seconds_to_wait(answer.headers))

    def check(self) -> Iterable[CheckMessage]:
        """Yield W101 for a URL without TLS on another machine."""
        host = self.url.hostname or ""
        if self.tls is None and not is_this_machine(host):
            yield warn_of_plain_text(host)

    def _connect(self) -> HTTPConnection:
        # A connection a batch: one that is kept may be dead when it is needed next.
        host, port = self.url.hostname or "", self.port
        if self.tls is None:
            return HTTPConnection(host, port, timeout=self.timeout)
        return HTTPSConnection(host, port, timeout=self.timeout, context=self.tls)

    def _target(self) -> str:
        query = f"?{self.url.query}" if self.url.query else ""
        return f"{self.url.path or '/'}{query}"


class DatadogSink(HttpSink):
    """Datadog's intake of logs; `site` is that of your account, such as "datadoghq.eu"."""

    # Older times are not taken; such an entry keeps its own in `created_at`.
    _oldest = timedelta(hours=17)

    def __init__(self, api_key: str, site: str = "datadoghq.com", **options: Any) -> None:
        options.setdefault("url", f"https://http-intake.logs.{site}/api/v2/logs")
        options["headers"] = {"DD-API-KEY": api_key, **options.get("headers", {})}
        super().__init__(**{"compress": True, **options})

    def write(self, entry: Entry) -> str:
        """Return the entry as the message of a log, which Datadog takes apart."""
        item = {"ddsource": PRODUCT, "service": service_name(), "message": super().write(entry)}
        if datetime.now(timezone.utc) - entry.created_at < self._oldest:
            item["timestamp"] = entry.created_at.isoformat()
        return json.dumps(item)


class AxiomSink(HttpSink):
    """Axiom's intake: `url` is that of the dataset, `token` an API token that may write there."""

    def __init__(self, url: str, token: str, **options: Any) -> None:
        headers = {"Authorization": f"Bearer {token}", **options.pop("headers", {})}
        super().__init__(url, headers, **options)

    def understand(self, answer: HTTPResponse, body: bytes) -> None:
        """Return if the whole batch was taken: Axiom says so of each event."""
        super().understand(answer, body)
        result = json.loads(body or b"{}")
        if result.get("failed"):
            raise RejectedError(said(str(result.get("failures"))[:_SHOWN]))


class SplunkSink(HttpSink):
    """Splunk's HTTP Event Collector: `url` ends in ``/services/collector/event``."""

    def __init__(
        self, url: str, token: str, index: str = "", sourcetype: str = PRODUCT, **options: Any
    ) -> None:
        headers = {"Authorization": f"Splunk {token}", **options.pop("headers", {})}
        super().__init__(url, headers, **options)
        self.envelope = {"sourcetype": sourcetype, **({"index": index} if index else {})}

    def write(self, entry: Entry) -> str:
        """Return the entry as an event of Splunk's."""
        event = json.loads(super().write(entry))
        return json.dumps({"time": entry.created_at.timestamp(), **self.envelope, "event": event})

    def join(self, items: Sequence[str]) -> str:
        """Return the body: events one after another."""
        return "\n".join(items)


def _seconds_to_wait(headers: HTTPMessage) -> float | None:
    """Return what ``Retry-After`` asks for, as seconds or as a date; None: nothing that counts."""
    asked = headers.get("Retry-After", "")
    if asked.strip().isdecimal():
        return float(asked)
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())

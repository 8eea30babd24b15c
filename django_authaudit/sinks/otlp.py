"""OpenTelemetry logs over HTTP, by OpenTelemetry's own exporter.

Through a collector they reach Datadog, Axiom, Grafana, Elastic, ClickHouse, Kafka and many more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.checks import CheckMessage

from django_authaudit import events
from django_authaudit.entry import Entry
from django_authaudit.exceptions import RejectedError, UnavailableError
from django_authaudit.formats import make_format
from django_authaudit.formats.base import PRODUCT, filled, service_name
from django_authaudit.sinks.base import (
    NetworkSink,
    checked_headers,
    is_this_machine,
    said,
    warn_of_plain_text,
)

if TYPE_CHECKING:
    from requests import Response

SEVERITIES: Mapping[str, str] = {
    "info": "INFO",
    "low": "INFO2",
    "medium": "WARN",
    "high": "ERROR",
    "critical": "FATAL",
}
"""OpenTelemetry's name of the severity of an event."""
_WRONG_ENTRIES = (400, 413, 422)


class OtlpSink(NetworkSink):
    """Exports each entry as a log record to the collector at `endpoint`, path included.

    A record's body is a line of the format's; its attributes are named by the semantic
    conventions. `ca_file` verifies the server instead of the authorities that requests trusts.
    """

    def __init__(
        self,
        endpoint: str,
        headers: Mapping[str, str] | None = None,
        format: str = "jsonl",
        format_options: Mapping[str, Any] | None = None,
        compress: bool = True,
        ca_file: str | None = None,
        timeout: float = 10.0,
        batch_size: int = 500,
    ) -> None:
        if urlsplit(endpoint).scheme not in ("http", "https"):
            raise ValueError("The endpoint is no URL that begins with https://.")
        self.endpoint = endpoint
        self.format = make_format(format, **(format_options or {}))
        self.timeout = timeout
        self.batch_size = batch_size
        self._answers: list[Response] = []
        self._exporter = self._make_exporter(
            headers=checked_headers(headers or {}), certificate_file=ca_file, compress=compress
        )

    def emit(self, entries: Sequence[Entry]) -> None:
        """Export `entries` at once; raise RejectedError or UnavailableError."""
        self._answers.clear()
        result = self._exporter.export([self._record(entry) for entry in entries])
        statuses = [answer.status_code for answer in self._answers]
        if statuses and statuses[-1] in _WRONG_ENTRIES:
            raise RejectedError(f"The collector answered {statuses[-1]}.")
        # The exporter takes a redirect for success.
        if result.name != "SUCCESS" or not 200 <= statuses[-1] < 300:
            answered = f"answered {statuses[-1]}" if statuses else "did not answer"
            raise UnavailableError(f"The collector {answered}.")
        self._raise_what_it_says()

    def check(self) -> Iterable[CheckMessage]:
        """Yield W101 for an endpoint without TLS on another machine."""
        parts = urlsplit(self.endpoint)
        host = parts.hostname or ""
        if parts.scheme == "http" and not is_this_machine(host):
            yield warn_of_plain_text(host)

    def _make_exporter(self, *, compress: bool, **options: Any) -> Any:
        try:
            import requests
            from opentelemetry.exporter.otlp.proto.http import Compression
            from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        except ImportError as error:
            raise ImportError(
                f"{error}. Install the exporter: pip install django-authaudit[otlp]"
            ) from error
        session = requests.Session()
        # Else REQUESTS_CA_BUNDLE in the environment would win over `ca_file`.
        session.trust_env = options["certificate_file"] is None
        session.hooks["response"].append(lambda answer, **_: self._answers.append(answer))
        return OTLPLogExporter(
            endpoint=self.endpoint,
            timeout=self.timeout,
            compression=Compression.Gzip if compress else Compression.NoCompression,
            session=session,
            **options,
        )

    def _record(self, entry: Entry) -> Any:
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.sdk._logs import ReadableLogRecord
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        severity = events.get(entry.event).severity
        moment = int(entry.created_at.timestamp() * 1000) * 1_000_000
        record = LogRecord(
            timestamp=moment,
            observed_timestamp=moment,
            severity_text=severity,
            severity_number=SeverityNumber[SEVERITIES.get(severity, "INFO")],
            body=self.format.dumps(entry),
            attributes=_attributes(entry),
            event_name=entry.event,
        )
        resource = Resource({"service.name": service_name()})
        return ReadableLogRecord(record, resource, InstrumentationScope(PRODUCT))

    def _raise_what_it_says(self) -> None:
        """Raise RejectedError if the collector took only a part of what it answered 200 to."""
        from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
            ExportLogsServiceResponse,
        )

        answer = self._answers[-1]
        if "protobuf" in answer.headers.get("Content-Type", ""):
            partial = ExportLogsServiceResponse.FromString(answer.content).partial_success
            if partial.rejected_log_records:
                message = said(partial.error_message)
                raise RejectedError(message or "The collector took only a part.")


def _attributes(entry: Entry) -> dict[str, Any]:
    """Return what the semantic conventions of OpenTelemetry have a name for."""
    return filled(
        **{
            "log.record.uid": str(entry.id),
            "event.outcome": entry.outcome,
            "user.id": None if entry.user_id is None else str(entry.user_id),
            "user.name": entry.username,
            "user.email": entry.email,
            "client.address": entry.ip_address,
            "user_agent.original": entry.user_agent,
            "http.request.method": entry.method,
            "url.path": entry.path,
        }
    )

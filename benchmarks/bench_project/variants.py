"""The audit apps that are compared, each set up as its own documentation says."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

AUDIT_TABLE = "django_authaudit_auditlog"
# The folder of the project that this process is.
FOLDER = Path(os.environ.get("BENCH_FOLDER", "."))


@dataclass(frozen=True)
class Evidence:
    """Where a variant stores that a kind of request happened."""

    table: str
    where: str
    # What the row does not say about the event, if anything.
    reservation: str = ""

    @property
    def count(self) -> str:
        """Return the SQL that counts the stored events."""
        return f"SELECT COUNT(*) FROM {self.table} WHERE {self.where}"


@dataclass(frozen=True)
class Variant:
    """A project with one audit app, or with none."""

    name: str
    distribution: str = ""
    apps: tuple[str, ...] = ()
    outer_middleware: tuple[str, ...] = ()
    inner_middleware: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Evidence] = field(default_factory=dict)
    # One of ours, and not what `make bench` compares with the peers.
    sinks_only: bool = False


def _sink(name: str, **options: Any) -> dict[str, Any]:
    return {"BACKEND": f"django_authaudit.sinks.{name}", "OPTIONS": options}


_DATABASE = {"database": _sink("database.DatabaseSink")}
# Nobody listens there: a request that reached for one of them would fail or wait.
_SHIPPED = {
    "http": _sink("http.HttpSink", url="http://127.0.0.1:9/", format="ocsf"),
    "syslog": _sink("syslog.SyslogSink", host="127.0.0.1", port=9, transport="tcp"),
    "otlp": _sink("otlp.OtlpSink", endpoint="http://127.0.0.1:9/v1/logs"),
}
_IN_LINE = {
    "logging": _sink("logging.LoggingSink", format="ecs"),
    "file": _sink("file.FileSink", path=str(FOLDER / "audit.jsonl")),
}


def _ours(name: str, sinks: Mapping[str, Any] | None = None) -> Variant:
    return Variant(
        name,
        distribution="django-authaudit",
        apps=("django_authaudit",),
        outer_middleware=("django_authaudit.middleware.AuditMiddleware",),
        settings={"AUTHAUDIT_SINKS": sinks} if sinks else {},
        evidence={
            "forbidden": Evidence(AUDIT_TABLE, "event = 'authz.forbidden'"),
            "failure": Evidence(AUDIT_TABLE, "event = 'auth.login.failure'"),
            "login": Evidence(AUDIT_TABLE, "event = 'auth.login.success'"),
        },
        sinks_only=sinks is not None,
    )


_EASY_AUDIT_LOGINS = {
    "failure": Evidence("easyaudit_loginevent", "login_type = 2"),
    "login": Evidence("easyaudit_loginevent", "login_type = 0"),
}

VARIANTS = {
    variant.name: variant
    for variant in (
        Variant("none"),
        # The same again in a second process: what differs from the first is noise.
        Variant("none-again"),
        _ours("authaudit"),
        _ours("authaudit-shipped", {**_DATABASE, **_SHIPPED}),
        _ours("authaudit-all-sinks", {**_DATABASE, **_SHIPPED, **_IN_LINE}),
        Variant(
            "easy-audit",
            distribution="django-easy-audit",
            apps=("easyaudit",),
            inner_middleware=("easyaudit.middleware.easyaudit.EasyAuditMiddleware",),
            evidence={
                **_EASY_AUDIT_LOGINS,
                "forbidden": Evidence(
                    "easyaudit_requestevent", "url = '/forbidden/'", "a visit, not its refusal"
                ),
            },
        ),
        # Its defaults also store every request and every saved row; this is its audit of logins.
        Variant(
            "easy-audit-logins",
            distribution="django-easy-audit",
            apps=("easyaudit",),
            inner_middleware=("easyaudit.middleware.easyaudit.EasyAuditMiddleware",),
            settings={
                "DJANGO_EASY_AUDIT_WATCH_MODEL_EVENTS": False,
                "DJANGO_EASY_AUDIT_WATCH_REQUEST_EVENTS": False,
            },
            evidence=_EASY_AUDIT_LOGINS,
        ),
        Variant(
            "auditlog",
            distribution="django-auditlog",
            apps=("auditlog",),
            inner_middleware=("auditlog.middleware.AuditlogMiddleware",),
            settings={"AUDITLOG_INCLUDE_ALL_MODELS": True},
            evidence={
                "login": Evidence(
                    "auditlog_logentry",
                    "action = 1 AND CAST(changes AS TEXT) LIKE '%last_login%'",
                    "a change of last_login",
                ),
            },
        ),
        Variant(
            "axes",
            distribution="django-axes",
            apps=("axes",),
            inner_middleware=("axes.middleware.AxesMiddleware",),
            settings={
                "AUTHENTICATION_BACKENDS": [
                    "axes.backends.AxesStandaloneBackend",
                    "django.contrib.auth.backends.ModelBackend",
                ],
                # A row for each failure, and no lockout: it would end the measurement.
                "AXES_ENABLE_ACCESS_FAILURE_LOG": True,
                "AXES_FAILURE_LIMIT": 1_000_000,
            },
            evidence={
                "failure": Evidence("axes_accessfailurelog", "1 = 1"),
                "login": Evidence("axes_accesslog", "1 = 1"),
            },
        ),
    )
}

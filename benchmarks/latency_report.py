"""The report of the latency benchmark, as Markdown."""

import datetime
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata

import django

from bench_project.variants import VARIANTS
from databases import server_version

KINDS = {
    "page": "no event, anonymous",
    "account": "no event, signed in",
    "forbidden": "403, anonymous",
    "failure": "failed login",
    "login": "login",
}
# Budgets of the design: a ratio, or milliseconds on PostgreSQL (SQLite's INSERT is the disk's).
RATIO_BUDGETS = {"page": 1.03, "account": 1.03}
ADDED_BUDGETS = {"forbidden": 1.4, "failure": 1.6, "login": 1.8}
COMPARED = ("django-auditlog", "django-axes", "django-easy-audit", "psycopg")

METHOD = """\
Medians of {rounds} interleaved rounds (`{command}`) through the WSGI handler, with the middleware
of `startproject`, `ATOMIC_REQUESTS=True`, `CONN_MAX_AGE=60` and the MD5 hasher, so that the audit
is not lost in the hashing. `none-again` is `none` in a second process: what it differs by is
noise. *not recorded*: nothing was stored for the event, so the figure is no price for it."""
SINKS = """\
`authaudit` has the table alone. `authaudit-shipped` has HTTP, syslog and OTLP besides, at a port
where nobody listens; `authaudit-all-sinks` has these, and in line Python's logging into a file and
a file. Each has the budget of the table alone."""
LIMIT = """\
The limit, by the driver's own cursor: a bare autocommit INSERT into our table takes {insert:.3f}
ms, an indexed look-up of an account {lookup:.3f} ms."""


@dataclass(frozen=True)
class Cell:
    """What a kind of request cost in milliseconds, and the share of its events that was stored."""

    median: float
    stored: float | None


@dataclass(frozen=True)
class Limits:
    """What bounds our cost, in milliseconds."""

    insert: float
    lookup: float


@dataclass(frozen=True)
class Measured:
    """What was measured on one database: a cell for each kind of request and audit app."""

    vendor: str
    cells: Mapping[tuple[str, str], Cell]
    limits: Limits | None


def render(measured: Sequence[Measured], rounds: int, *, sinks: bool = False) -> str:
    """Return the whole report, of the peers or of our own sinks."""
    title = "sinks cost" if sinks else "an audit app costs"
    command = "benchmarks/run latency --sinks" if sinks else "make bench"
    lines = [f"# What {title} a request", "", _preamble(rounds, command)]
    if sinks:
        lines += ["", SINKS]
    for each in measured:
        lines += ["", f"## {server_version(each.vendor)}", "", *_table(each)]
    return "\n".join(lines)


def _preamble(rounds: int, command: str) -> str:
    today = datetime.datetime.now(datetime.timezone.utc).date()
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in COMPARED)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    python = f"Python {platform.python_version()}, Django {django.__version__}"
    method = METHOD.format(rounds=rounds, command=command)
    return f"{today}; {python}, {versions}; {machine}.\n\n{method}"


def _table(measured: Measured) -> Iterator[str]:
    yield "| request | audit app | median ms | added ms | ratio | recorded | budget |"
    yield "|---|---|--:|--:|--:|---|---|"
    for kind, label in KINDS.items():
        base = measured.cells[kind, "none"].median
        for variant in VARIANTS:
            cell = measured.cells.get((kind, variant))
            if cell is None:
                continue
            added, ratio = cell.median - base, cell.median / base
            ours = variant.startswith("authaudit")
            budget = _budget(measured, kind, added, ratio) if ours else ""
            compared = "| |" if variant == "none" else f"{added:+.3f} | {ratio:.2f} x |"
            yield (
                f"| {label} | {variant} | {cell.median:.3f} | {compared} "
                f"{_recorded(kind, variant, cell)} | {budget} |"
            )
    if measured.limits is not None:
        yield ""
        yield LIMIT.format(insert=measured.limits.insert, lookup=measured.limits.lookup)


def _recorded(kind: str, variant: str, cell: Cell) -> str:
    if kind not in ADDED_BUDGETS or variant.startswith("none"):
        return ""
    if not cell.stored:
        return "*not recorded*"
    if cell.stored < 1:
        return f"**{cell.stored:.0%} of them**"
    reservation = VARIANTS[variant].evidence[kind].reservation
    times = "" if cell.stored == 1 else f" ({cell.stored:.1f} rows each)"
    return f"only as {reservation}{times}" if reservation else f"yes{times}"


def _budget(measured: Measured, kind: str, added: float, ratio: float) -> str:
    if kind in RATIO_BUDGETS:
        allowed = RATIO_BUDGETS[kind]
        return f"<= {allowed} x: {_verdict(ratio <= allowed)}"
    limits = measured.limits
    assert limits is not None
    beyond = f"INSERT {added - limits.insert:+.2f} ms"
    if measured.vendor != "postgresql":
        return beyond
    allowed = ADDED_BUDGETS[kind] + (limits.lookup if kind == "failure" else 0)
    return f"<= +{allowed:.2f} ms: {_verdict(added <= allowed)} ({beyond})"


def _verdict(kept: bool) -> str:
    return "PASS" if kept else "over"

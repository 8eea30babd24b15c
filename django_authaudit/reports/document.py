"""A report in words: titles, sentences and tables, for whatever shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django_authaudit.reports.activity import Activity, Failing
from django_authaudit.reports.coverage import Coverage
from django_authaudit.reports.health import Health
from django_authaudit.reports.inventory import Inventory
from django_authaudit.reports.profiles import Verdict
from django_authaudit.reports.protection import Protection
from django_authaudit.reports.report import Report

Row = tuple[str, ...]
_TABLES = ("sinks", "weaknesses")


@dataclass(frozen=True)
class Section:
    """A title, what is to be said, and a table."""

    title: str
    sentence: str = ""
    heads: Row = ()
    rows: tuple[Row, ...] = ()


def of_report(report: Report) -> Iterator[Section]:
    """Yield what the report says."""
    yield from _coverage(report.coverage)
    yield from _activity(report.activity)
    yield from _health(report.health)
    yield _protection(report.protection)


def of_verdicts(title: str, verdicts: Iterable[Verdict]) -> Iterator[Section]:
    """Yield what was found of each clause of a standard."""
    found = tuple(verdicts)
    failed = sum(verdict.failed for verdict in found)
    sentence = f"{failed} of {len(found)} clauses fail." if failed else "No required clause fails."
    rows = tuple((v.clause, v.status, v.text, v.evidence) for v in found)
    yield Section(title, sentence, ("clause", "verdict", "asks", "evidence"), rows)


def of_inventory(inventory: Inventory) -> Iterator[Section]:
    """Yield the inventory."""
    yield Section(
        "Events",
        "",
        ("event", "what happened", "severity", "recorded by", "kept"),
        tuple(
            (
                item.code,
                item.label,
                item.severity,
                item.obstacle or ", ".join(item.sources) or "the log itself, or the site's code",
                _days(item.retention_days),
            )
            for item in inventory.items
        ),
    )
    yield Section(
        "Storage",
        "",
        ("where", "what"),
        (
            ("table", f"{inventory.table}, database {inventory.protection.database!r}"),
            ("spool", f"{inventory.spool_folder}: JSON lines, until the database is back"),
            ("shipped to", ", ".join(inventory.protection.sinks) or "nowhere"),
        ),
    )
    yield _protection(inventory.protection)


def _coverage(coverage: Coverage) -> Iterator[Section]:
    yield Section(
        "Sources",
        "",
        ("source", "state"),
        tuple((name, why or "connected") for name, why in coverage.sources.items()),
    )
    yield Section(
        "Events",
        coverage.sentence,
        ("event", "entries", "last"),
        tuple(
            (event.code, f"{event.seen}", event.obstacle or _moment(event.last))
            for event in coverage.events
        ),
    )


def _activity(activity: Activity) -> Iterator[Section]:
    period = f"{_moment(activity.since)} to {_moment(activity.until)}"
    yield Section(
        "Activity",
        f"{activity.total} entries from {period}.",
        ("day", "success", "failure"),
        tuple((f"{day.day}", f"{day.success}", f"{day.failure}") for day in activity.days),
    )
    yield from _top("Failing most, by user name", activity.failing_accounts)
    yield from _top("Failing most, by address", activity.failing_addresses)


def _top(title: str, found: tuple[Failing, ...]) -> Iterator[Section]:
    if found:
        rows = tuple((failing.name, f"{failing.count}") for failing in found)
        yield Section(title, "", ("who", "failures"), rows)


def _health(health: Health) -> Iterator[Section]:
    facts = {name: value for name, value in vars(health).items() if name not in _TABLES}
    yield Section(
        "Health",
        "",
        ("what", "state"),
        tuple((name.replace("_", " "), _text(value)) for name, value in facts.items()),
    )
    if health.sinks:
        yield Section(
            "Sinks",
            "",
            ("sink", "shipped", "waiting", "since", "rejected", "error"),
            tuple(
                (
                    sink.sink,
                    f"{sink.shipped}",
                    f"{sink.waiting}",
                    _moment(sink.waiting_since),
                    f"{sink.rejected}",
                    sink.error,
                )
                for sink in health.sinks
            ),
        )
    if health.weaknesses:
        yield Section(
            "Settings that weaken it",
            "",
            ("check", "what it says"),
            tuple((found.id, f"{found.message} {found.hint}") for found in health.weaknesses),
        )


def _protection(protection: Protection) -> Section:
    periods = protection.retention_days.items()
    readers = ", ".join(protection.readers)
    return Section(
        "Protection",
        "",
        ("what", "state"),
        (
            ("kept", ", ".join(f"{prefix or 'all'}: {_days(days)}" for prefix, days in periods)),
            ("archived when pruned", _text(protection.archived)),
            ("append-only", _text(protection.append_only)),
            ("last found intact", _text(protection.verified)),
            ("last found tampered with", _text(protection.tampering)),
            ("may read it", f"{protection.reader_count}: {readers}" if readers else "nobody"),
        ),
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _moment(value) if value is None or isinstance(value, datetime) else str(value)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "never"


def _days(days: int | None) -> str:
    return "for good" if days is None else f"{days} days"

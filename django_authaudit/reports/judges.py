"""What a clause of a standard asks, as a question to the report: its answer, and the evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils import timezone

from django_authaudit.reports.report import Report

PASS, FAIL, NOT_APPLICABLE = "PASS", "FAIL", "NOT APPLICABLE"


class Answer(NamedTuple):
    """What a judge says."""

    status: str
    evidence: str


Judge = Callable[[Report], Answer]


def by_design(evidence: str) -> Judge:
    """Return a judge of what holds in every project, and can be read in the code and its tests."""
    return lambda report: Answer(PASS, evidence)


def not_by_a_log(evidence: str) -> Judge:
    """Return a judge of what no audit log can answer for its site."""
    return lambda report: Answer(NOT_APPLICABLE, evidence)


def records(*prefixes: str) -> Judge:
    """Return a judge of whether every event of the project that begins so can be recorded."""

    def judge(report: Report) -> Answer:
        found = [event for event in report.coverage.events if event.code.startswith(prefixes)]
        if not found:
            return Answer(NOT_APPLICABLE, "No installed package has such events.")
        missing = [event.code for event in found if event.obstacle]
        if missing:
            return Answer(FAIL, f"Never recorded: {', '.join(missing)}.")
        seen = sum(event.seen for event in found)
        return Answer(PASS, f"{_count(len(found), 'event type')} recorded, {seen:,} times so far.")

    return judge


def nothing_lost(report: Report) -> Answer:
    """Judge whether every entry is there or will be."""
    health = report.health
    if health.entries_lost:
        return Answer(FAIL, f"{_count(health.entries_lost, 'entry', 'entries')} lost.")
    if health.rejected_files:
        files = _count(health.rejected_files, "file")
        return Answer(FAIL, f"{files} of entries set aside in {health.spool_folder}.")
    waiting = _count(health.spool_files, "file")
    return Answer(PASS, f"No entry lost; {waiting} waiting in {health.spool_folder}.")


def append_only(report: Report) -> Answer:
    """Judge whether the database itself refuses to change the log."""
    if report.protection.append_only:
        return Answer(PASS, "Triggers refuse UPDATE and DELETE; the admin and the models do too.")
    return Answer(FAIL, "The database lets rows be changed: run harden_audit_log --enable.")


def sealed(*, hours: int) -> Judge:
    """Return a judge of whether the log was sealed within `hours`."""

    def judge(report: Report) -> Answer:
        found = report.health.last_sealed
        if _is_within(found, timedelta(hours=hours)):
            return Answer(PASS, f"Last sealed {_moment(found)}.")
        return Answer(FAIL, f"Last sealed {_moment(found)}: have cron run seal_audit_log.")

    return judge


def verified(*, days: int) -> Judge:
    """Return a judge of whether the log was found intact within `days`, and not broken since."""

    def judge(report: Report) -> Answer:
        intact, broken = report.protection.verified, report.protection.tampering
        if broken is not None and (intact is None or broken > intact):
            return Answer(FAIL, f"Verification found tampering {_moment(broken)}.")
        if _is_within(intact, timedelta(days=days)):
            return Answer(PASS, f"Last found intact {_moment(intact)}.")
        return Answer(FAIL, f"Last found intact {_moment(intact)}: run verify_audit_log.")

    return judge


def shipped(report: Report) -> Answer:
    """Judge whether entries also go where the site's own database is not."""
    if report.protection.sinks:
        return Answer(PASS, f"Shipped to {', '.join(report.protection.sinks)}.")
    return Answer(FAIL, "AUTHAUDIT_SINKS names no sink besides the database.")


def kept(*, days: int, at_hand: int = 0) -> Judge:
    """Return a judge of whether every entry is kept for `days`, in the table or an archive.

    `at_hand` of them it has to be in the table.
    """

    def judge(report: Report) -> Answer:
        periods = report.protection.retention_days
        short = [prefix for prefix, own in periods.items() if own is not None and own < days]
        if not short:
            return Answer(PASS, f"Every entry is kept {days} days or longer in the table.")
        least = min(own for own in periods.values() if own is not None)
        if report.protection.archived and least >= at_hand:
            return Answer(PASS, f"{least} days in the table, then in archives.")
        which = ", ".join(f"{prefix or 'others'}: {periods[prefix]}" for prefix in short)
        why = "too short for an archive" if report.protection.archived else "no archive is written"
        return Answer(FAIL, f"Kept too short in the table ({which}), and {why}.")

    return judge


def pruned(*, days: int) -> Judge:
    """Return a judge of whether retention is at work: the log was pruned within `days`."""

    def judge(report: Report) -> Answer:
        found = report.health.last_pruned
        if _is_within(found, timedelta(days=days)):
            return Answer(PASS, f"Last pruned {_moment(found)}.")
        return Answer(FAIL, f"Last pruned {_moment(found)}: have cron run prune_audit_log.")

    return judge


def readers_known(report: Report) -> Answer:
    """Name who may read the log; whether they need to is for the auditor to say."""
    count, readers = report.protection.reader_count, report.protection.readers
    more = ", ..." if count > len(readers) else ""
    names = f": {', '.join(readers)}{more}" if readers else ""
    return Answer(PASS, f"{_count(count, 'account')} with a permission of its own{names}.")


def no_weakness(report: Report) -> Answer:
    """Judge whether the system checks have anything to say."""
    found: Iterable[str] = [weakness.id for weakness in report.health.weaknesses]
    if found:
        return Answer(FAIL, f"manage.py check says {', '.join(found)}.")
    return Answer(PASS, "manage.py check has nothing to say.")


def _is_within(moment: datetime | None, age: timedelta) -> bool:
    return moment is not None and timezone.now() - moment <= age


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"


def _count(number: int, word: str, words: str = "") -> str:
    return f"{number:,} {word if number == 1 else words or word + 's'}"

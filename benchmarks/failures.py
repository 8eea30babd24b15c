"""Break what the audit needs while users log in: do they get in, and what becomes of the events?

Exit status: 0 measured, 2 could not run.
"""

import argparse
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from bench_project.variants import AUDIT_TABLE
from databases import (
    VENDORS,
    CannotRunError,
    Database,
    clean_up_when_terminated,
    environment,
    temporary_database,
)
from faults import SCENARIOS, SMALL_DISK_BYTES, Link, Place, Scenario, can_mount, small_disk
from server import ADDRESS, Answer, Server, in_threads, log_in, run_command

ACCOUNTS = 3000
PASSWORD = "correct-horse"
THREADS = 4
AFTERWARDS = 10
MESSAGES_SHOWN = 8

HEADER = (
    "| database | what fails | logins tried | worked | slowest, s | most in the spool "
    "| stored by itself | after replay | lost | named in the log | told by an entry | doubled |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)
RECORDED = f"SELECT username FROM {AUDIT_TABLE} WHERE event = 'auth.login.success'"
TOLD = f"SELECT metadata FROM {AUDIT_TABLE} WHERE event = 'audit.write_failed'"

# Each account logs in once, so that its name stands for one event.
_CREATE_ACCOUNTS = f"""
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
password = make_password({PASSWORD!r})
User.objects.bulk_create(
    User(username=f"user{{number}}", password=password) for number in range({ACCOUNTS})
)
"""


class Users:
    """People who log in, one after the other or several at once."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._numbers = iter(range(ACCOUNTS))

    def log_in(self, count: int) -> list[Answer]:
        """Log some in, one by one."""
        return [self._next() for _ in range(count)]

    def log_in_for(self, seconds: float, watch: Callable[[], int]) -> tuple[list[Answer], int]:
        """Log in from several threads for some time; return the greatest number watched, too."""
        answers: list[Answer] = []
        greatest = 0
        end = time.monotonic() + seconds

        def client(number: int, stop: threading.Event) -> None:
            while not stop.is_set():
                answers.append(self._next())

        with in_threads(THREADS, client):
            while time.monotonic() < end:
                time.sleep(0.02)
                greatest = max(greatest, watch())
        return answers, greatest

    def _next(self) -> Answer:
        try:
            number = next(self._numbers)
        except StopIteration:
            raise CannotRunError(f"more than {ACCOUNTS} logins: choose fewer --seconds") from None
        return log_in(self.port, f"user{number}", PASSWORD)


def experiment(vendor: str, scenario: Scenario, seconds: float) -> Iterator[str]:
    """Run one scenario; yield its row of the table, then what the log said."""
    with ExitStack() as stack:
        database = stack.enter_context(temporary_database(vendor, immediate=True))
        place = prepare(stack, database, scenario)
        file_limit = None
        if scenario.full_spool:
            if can_mount():
                stack.enter_context(small_disk(database.spool))
            elif vendor == "sqlite":
                yield f"| {vendor} | {scenario.title} | not run: needs root to mount a disk |"
                return
            else:
                file_limit = SMALL_DISK_BYTES
        log = database.folder / "server.log"
        server = Server(place.env, log, file_limit)
        server.start()
        stack.callback(server.stop)
        users = Users(server.port)
        users.log_in(AFTERWARDS)
        with scenario.fault(place):
            answers, spooled = users.log_in_for(seconds, database.spooled)
        answers += users.log_in(AFTERWARDS)
        worked = {answer.username for answer in answers if answer.status == 302}
        by_itself = stored(place) & worked
        run_command(place.env, "replay_audit_log")
        lost = worked - stored(place)
        text = log.read_text(encoding="utf-8")
        named = sum(1 for name in lost if re.search(rf"\b{name}\b", text))
        doubled = [name for (name,), times in count(place).items() if times > 1]
        slowest = max(answer.seconds for answer in answers)
        yield (
            f"| {vendor} | {scenario.title} | {len(answers)} | {len(worked)} | {slowest:.2f} "
            f"| {spooled} | {len(by_itself)} | {len(worked) - len(lost)} | {len(lost)} "
            f"| {named if lost else ''} | {told(place) if lost else ''} | {len(doubled)} |"
        )
        yield from messages(text)


def prepare(stack: ExitStack, database: Database, scenario: Scenario) -> Place:
    """Make the tables and the accounts, and the audit's own database where it has one."""
    place = Place(database, environment("authaudit", database))
    if database.vendor in scenario.own_database:
        audit = stack.enter_context(temporary_database(database.vendor))
        settings, link = audit.settings, None
        if database.vendor == "postgresql":
            link = Link(settings["HOST"], int(settings["PORT"]))
            stack.callback(link.cut)
            settings |= {"HOST": ADDRESS, "PORT": link.port}
        place = Place(audit, environment("authaudit", database, audit=settings), link)
        run_command(place.env, "migrate", "--verbosity", "0", "--database", "audit")
    run_command(place.env, "migrate", "--verbosity", "0")
    run_command(place.env, "shell", "-v", "0", "-c", _CREATE_ACCOUNTS)
    return place


def count(place: Place) -> Counter[tuple[str, ...]]:
    """Return how often each login is stored."""
    return Counter(place.database.query(RECORDED))


def stored(place: Place) -> set[str]:
    """Return the names whose login is stored."""
    return {name for (name,) in count(place)}


def told(place: Place) -> int:
    """Return how many lost entries the log itself tells of."""
    rows = place.database.query(TOLD)
    values = [json.loads(value) if isinstance(value, str) else value for (value,) in rows]
    return sum(value["lost"] for value in values)


def messages(log: str) -> Iterator[str]:
    """Yield the distinct messages of a log, without what differs between two of a kind."""
    found = re.findall(r"^(?:(?:WARNING|ERROR|CRITICAL) |[\w.]+Error: ).*", log, re.MULTILINE)
    kinds = Counter(re.sub(r"[0-9a-f-]{32,36}|user\d+|\d+", "#", line)[:300] for line in found)
    for message, times in kinds.most_common(MESSAGES_SHOWN):
        yield f"    {times} x {message}"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="how long users log in")
    parser.add_argument("--database", action="append", choices=VENDORS)
    parser.add_argument("--scenario", help="only those whose title contains this")
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the scenarios on each database."""
    options = arguments(argv)
    clean_up_when_terminated()
    logs = []
    print(HEADER, flush=True)
    try:
        for vendor in options.database or VENDORS:
            for scenario in SCENARIOS:
                if (options.scenario or "") not in scenario.title:
                    continue
                row, *log = experiment(vendor, scenario, options.seconds)
                print(row, flush=True)
                logs += [f"\n{vendor}, {scenario.title}; the log said:", *log]
    except CannotRunError as error:
        print(f"Cannot run: {error}", file=sys.stderr)
        return 2
    print(*logs, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

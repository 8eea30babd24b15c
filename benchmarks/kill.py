"""Kill the server again and again under load: is an acknowledged event lost or doubled?

Once with a table that is always there, once with one that comes and goes, so that the spool and
its replay are struck too.

Clients fail to log in, each time by a name of their own. A name whose answer arrived is
acknowledged. The log is sealed after each kill and verified at the end: whatever is found then is
a false alarm. Exit status: 0 none lost, doubled or found, 1 some were, 2 could not run.
"""

import argparse
import json
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench_project.variants import AUDIT_TABLE
from databases import (
    VENDORS,
    CannotRunError,
    Database,
    clean_up_when_terminated,
    environment,
    temporary_database,
)
from faults import Fault, Place, none, table_coming_and_going
from server import REFUSED, Server, in_threads, log_in, run_command

HEADER = (
    "| database | audit table | kills | acknowledged | lost | doubled | holes | findings "
    "| left in the spool | unanswered and recorded | unanswered and not | other answers |\n"
    "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
)
RECORDED = f"SELECT username FROM {AUDIT_TABLE} WHERE event = 'auth.login.failure'"
TABLE: dict[str, Fault] = {"there": none, "comes and goes": table_coming_and_going}
# A writer whose numbers are not 1 to n, each once.
HOLES = (
    f"SELECT COUNT(*) FROM (SELECT writer FROM {AUDIT_TABLE} GROUP BY writer HAVING "
    "MIN(sequence) <> 1 OR MAX(sequence) <> COUNT(*) OR COUNT(DISTINCT sequence) <> COUNT(*)) AS w"
)


@dataclass
class Load:
    """What the clients saw."""

    port: int
    limit: int
    acknowledged: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    other: Counter[int] = field(default_factory=Counter)

    def client(self, number: int, stop: threading.Event) -> None:
        """Fail to log in until told to stop."""
        for attempt in range(self.limit):
            if stop.is_set():
                return
            answer = log_in(self.port, f"client{number}-{attempt}", "wrong")
            if answer.status == REFUSED:
                stop.wait(0.02)
            elif answer.status is None:
                self.unanswered.add(answer.username)
            elif answer.status == 200:
                self.acknowledged.add(answer.username)
            else:
                self.other[answer.status] += 1


def experiment(database: Database, table: str, options: argparse.Namespace) -> tuple[str, bool]:
    """Kill and restart under load; return a row of the report, and whether it is clean."""
    env = environment("authaudit", database)
    run_command(env, "migrate", "--verbosity", "0")
    server = Server(env, database.folder / "server.log")
    load = Load(server.port, options.limit)
    server.start()
    try:
        with TABLE[table](Place(database, env)), in_threads(options.threads, load.client):
            for _ in range(options.kills):
                time.sleep(random.uniform(options.seconds / 2, options.seconds * 3 / 2))
                server.kill()
                server.start()
                if table == "there":
                    run_command(env, "seal_audit_log")
    finally:
        server.stop()
    spooled = database.spooled()
    run_command(env, "replay_audit_log")
    run_command(env, "seal_audit_log")
    # Status 1 is that of a log that was tampered with, and nobody has.
    verified = run_command(env, "verify_audit_log", "--json", allowed=(0, 1))
    summary = next(line for line in verified.splitlines() if line.startswith('{"summary"'))
    findings = sum(json.loads(summary)["summary"]["problems"].values())
    stored = Counter(username for (username,) in database.query(RECORDED))
    lost = load.acknowledged - stored.keys()
    doubled = [name for name, times in stored.items() if times > 1]
    holes = database.query(HOLES)[0][0]
    recorded = len(load.unanswered & stored.keys())
    if lost:
        print(f"Lost: {sorted(lost)[:20]}\n{server.log.read_text()[-4000:]}", file=sys.stderr)
    row = (
        f"| {database.vendor} | {table} | {options.kills} | {len(load.acknowledged)} "
        f"| {len(lost)} | {len(doubled)} | {holes} | {findings} | {spooled} | {recorded} "
        f"| {len(load.unanswered) - recorded} | {dict(load.other) or ''} |"
    )
    return row, not (lost or doubled or holes or findings)


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--threads", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=1.0, help="mean time between kills")
    parser.add_argument("--limit", type=int, default=20_000, help="attempts of each thread")
    parser.add_argument("--database", action="append", choices=VENDORS)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Run the experiment on each database."""
    options = arguments(argv)
    clean_up_when_terminated()
    print(HEADER, flush=True)
    all_clean = True
    try:
        for vendor in options.database or VENDORS:
            for table in TABLE:
                with temporary_database(vendor) as database:
                    row, clean = experiment(database, table, options)
                print(row, flush=True)
                all_clean &= clean
    except CannotRunError as error:
        print(f"Cannot run: {error}", file=sys.stderr)
        return 2
    return 0 if all_clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

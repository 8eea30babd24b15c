"""How fast old entries are deleted, beside one DELETE of the same rows.

The log is as it should be: signed, sealed and append-only. So each transaction of the pruning also
tells the triggers who deletes, and adds a seal of what it took; the one DELETE adds none. The same
rows are deleted again and again, each time by a process of its own, and put back in between. A
transaction is timed from its BEGIN to its COMMIT; memory is what the process took on top of what
it had before the first batch. Exit status: 0 measured, 2 could not run.
"""

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import datetime, timedelta, timezone
from importlib import import_module
from typing import Any

from psycopg.errors import InsufficientPrivilege

from bench_project.variants import AUDIT_TABLE
from databases import (
    HERE,
    VENDORS,
    CannotRunError,
    Database,
    clean_up_when_terminated,
    environment,
    temporary_database,
)
from server import run_command

HEADER = (
    "| database | entries | one DELETE, rows/s | prune, rows/s | ratio | transactions "
    "| longest, ms | 99th percentile, ms | memory, MB |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|"
)
DAYS = 90
# A tenth more than is deleted: the table is in use.
KEPT = 0.1
CHUNK = 2_000
WRITERS = 16


def deleted_with_one_statement(cutoff: datetime) -> dict[str, Any]:
    """Do what retention would be without batches."""
    from django.db import connection, transaction

    from django_authaudit.entry import first_id_at
    from django_authaudit.hardening import permitted

    field = "%s" if connection.vendor == "postgresql" else "REPLACE(%s, '-', '')"
    start = time.perf_counter()
    with transaction.atomic(), permitted("DELETE", "default"), connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {AUDIT_TABLE} WHERE id < {field}",
            [str(first_id_at(cutoff))],
        )
        return {"deleted": cursor.rowcount, "seconds": time.perf_counter() - start}


def deleted_in_batches(cutoff: datetime) -> dict[str, Any]:
    """Do what `prune_audit_log` does, and time each transaction."""
    from django_authaudit import retention
    from django_authaudit.retention import batches

    transactions: list[float] = []
    delete = batches._delete

    def timed(parts: Sequence[Any], until: datetime | None, using: str) -> int:
        begun = time.perf_counter()
        try:
            return delete(parts, until, using)
        finally:
            transactions.append(time.perf_counter() - begun)

    batches._delete = timed
    retention.expired(cutoff).first()
    before = peak_memory()
    start = time.perf_counter()
    with closing(retention.prune(cutoff)) as going:
        deleted = sum(batch.count for batch in going)
    return {
        "deleted": deleted,
        "seconds": time.perf_counter() - start,
        "transactions": transactions,
        "memory": peak_memory() - before,
    }


def peak_memory() -> float:
    """Return the most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def filled(rows: int, cutoff: datetime) -> dict[str, Any]:
    """Store `rows` entries from before `cutoff` and some later ones, as a site would have them."""
    from django_authaudit.integrity import sealing
    from django_authaudit.integrity.writers import Writer
    from django_authaudit.models import AuditLog

    some = random.Random(1)
    writers = [Writer() for _ in range(WRITERS)]
    count = int(rows * (1 + KEPT))
    step = timedelta(days=DAYS) / rows
    oldest = cutoff - step * rows
    for start in range(0, count, CHUNK):
        numbers = range(start, min(start + CHUNK, count))
        entries = [entry_at(oldest + step * number, number, some) for number in numbers]
        signed = [writers[i % WRITERS].number([entry])[0] for i, entry in enumerate(entries)]
        AuditLog.objects.bulk_create(
            AuditLog(created_at=entry.created_at, **vars(entry)) for entry in signed
        )
        if start % (CHUNK * 10) == 0:
            list(sealing.seal(using="default"))
    list(sealing.seal(using="default"))
    return {"stored": count}


def entry_at(moment: datetime, number: int, some: random.Random) -> Any:
    """Return an entry; few people do most, and few addresses."""
    from django_authaudit.entry import first_id_at, make_entry

    person = min(5_000, int(some.paretovariate(0.5)))
    failed = some.random() < 0.3
    return make_entry(
        id=uuid.UUID(int=first_id_at(moment).int + number),
        event="auth.login.failure" if failed else "auth.login.success",
        outcome="failure" if failed else "success",
        user_id=person,
        username=f"user{person}",
        email=f"user{person}@example.com",
        actor_id=None if failed else person,
        actor_username="" if failed else f"user{person}",
        ip_address=f"10.0.{person % 250}.{some.randrange(4)}",
        user_agent="Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        session_ref=f"{some.getrandbits(128):032x}",
        method="POST",
        path="/accounts/login/",
        metadata={"reason": "invalid_password"} if failed else {},
    )


WORK: dict[str, Callable[[int, datetime], dict[str, Any]]] = {
    "fill": filled,
    "one": lambda rows, cutoff: deleted_with_one_statement(cutoff),
    "prune": lambda rows, cutoff: deleted_in_batches(cutoff),
}


def work(name: str, rows: int, cutoff: str) -> None:
    """Do one piece of work in this process, and print what came of it."""
    # It sets Django up.
    import_module("bench_project.wsgi")
    print(json.dumps(WORK[name](rows, datetime.fromisoformat(cutoff))))


def in_own_process(env: dict[str, str], *arguments: str, script: str = __file__) -> dict[str, Any]:
    """Have a process of `script` do a piece of work. Raises CannotRunError."""
    done = subprocess.run(
        [sys.executable, script, *arguments],
        env=env,
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRunError(f"{arguments[0]} ended with {done.returncode}:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def put_back(database: Database) -> None:
    """Have the table be as it was filled."""
    with database.connect() as connection:
        if database.vendor == "postgresql":
            connection.execute(f"TRUNCATE {AUDIT_TABLE}")
        else:
            connection.execute(f"DELETE FROM {AUDIT_TABLE}")
        connection.execute(f"INSERT INTO {AUDIT_TABLE} SELECT * FROM kept ORDER BY id")
        connection.execute(f"ANALYZE {AUDIT_TABLE}")
        if database.vendor == "postgresql":
            connection.execute(f"VACUUM {AUDIT_TABLE}")
            # Or the disk is busy with what was put back while the deletions are timed.
            with suppress(InsufficientPrivilege):
                connection.execute("CHECKPOINT")


def experiment(database: Database, options: argparse.Namespace) -> str:
    """Delete the same rows in both ways, in turn; return a row of the report."""
    env = environment("authaudit", database)
    run_command(env, "migrate", "--verbosity", "0")
    cutoff = datetime.now(timezone.utc) - timedelta(days=DAYS)
    arguments = (str(options.rows), cutoff.isoformat())
    in_own_process(env, "fill", *arguments)
    with database.connect() as connection:
        connection.execute(f"CREATE TABLE kept AS SELECT * FROM {AUDIT_TABLE}")
    results: dict[str, list[dict[str, Any]]] = {"one": [], "prune": []}
    for _ in range(options.rounds):
        for name, found in results.items():
            run_command(env, "harden_audit_log", "--disable", "--verbosity", "0")
            put_back(database)
            run_command(env, "harden_audit_log", "--enable", "--verbosity", "0")
            found.append(in_own_process(env, name, *arguments))
            if found[-1]["deleted"] != options.rows:
                raise CannotRunError(f"{name} deleted {found[-1]['deleted']} rows")
    return row_of(database.vendor, options.rows, results["one"], results["prune"])


def row_of(vendor: str, rows: int, whole: list[dict[str, Any]], ours: list[dict[str, Any]]) -> str:
    """Return a row of the report: rates are medians, the rest is the worst of all rounds."""
    limit, rate = (
        statistics.median(rows / found["seconds"] for found in results)
        for results in (whole, ours)
    )
    times = sorted(seconds for found in ours for seconds in found["transactions"])
    percentile = times[int(len(times) * 0.99)]
    memory = max(found["memory"] for found in ours)
    return (
        f"| {vendor} | {rows} | {limit:.0f} | {rate:.0f} | {rate / limit:.2f} "
        f"| {len(times) // len(ours)} | {times[-1] * 1000:.0f} | {percentile * 1000:.0f} "
        f"| {memory:.1f} |"
    )


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=300_000, help="entries that are deleted")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", action="append", choices=VENDORS)
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Measure on each database."""
    options = arguments(argv)
    clean_up_when_terminated()
    print(HEADER, flush=True)
    try:
        for vendor in options.database or VENDORS:
            with temporary_database(vendor) as database:
                print(experiment(database, options), flush=True)
    except CannotRunError as error:
        print(f"Cannot run: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in WORK:
        work(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main(sys.argv[1:]))

"""How fast the log is verified, with the standard library and with orjson, and in how much memory.

The log is that of eight workers, sealed. It is verified by a process of its own each time; memory
is what the process took on top of what it had before. Exit status: 0 measured, 1 under the budget,
2 could not run.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from importlib import import_module
from itertools import cycle, islice
from typing import Any

from bench_project.variants import AUDIT_TABLE
from databases import (
    VENDORS,
    CannotRunError,
    Database,
    clean_up_when_terminated,
    environment,
    temporary_database,
)
from prune import entry_at, in_own_process, peak_memory
from server import run_command

HEADER = (
    "| database | entries | JSON by | rows/s | rows/s of CPU time | memory, MB "
    "| sealing, rows/s |\n|---|--:|---|--:|--:|--:|--:|"
)
BUDGETS = {"json": 25_000, "orjson": 50_000}
"""Rows a second of CPU time: the database's work is its own processor's."""
WORKERS = 8
CHUNK = 2_000


def filled(rows: int) -> dict[str, Any]:
    """Store `rows` signed entries of several writers, and seal them."""
    from django.db import DEFAULT_DB_ALIAS, transaction

    from django_authaudit.entry import new_id
    from django_authaudit.integrity import sealing, writers
    from django_authaudit.sinks.database import DatabaseSink

    some = random.Random(1)
    turns = cycle([writers.Writer() for _ in range(WORKERS)])
    for start in range(0, rows, CHUNK):
        entries = []
        for number in range(start, min(start + CHUNK, rows)):
            entry = replace(entry_at(datetime.now(timezone.utc), number, some), id=new_id())
            entries += next(turns).number([entry])
        with transaction.atomic():
            DatabaseSink().emit(entries)
    begun = time.perf_counter()
    sealed = sum(1 for _ in sealing.seal(DEFAULT_DB_ALIAS))
    return {"seals": sealed, "seconds": time.perf_counter() - begun}


def verified(rows: int, library: str) -> dict[str, Any]:
    """Verify the log by the JSON of `library`."""
    from django.db import DEFAULT_DB_ALIAS

    from django_authaudit.verification import Verification

    list(islice(Verification(using=DEFAULT_DB_ALIAS).problems(), 0))
    before, wall, cpu = peak_memory(), time.perf_counter(), time.process_time()
    verification = Verification(using=DEFAULT_DB_ALIAS)
    problems = sum(1 for _ in verification.problems())
    return {
        "problems": problems,
        "entries": verification.summary.entries,
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "memory": peak_memory() - before,
        "library": library,
    }


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "fill": lambda rows, library: filled(rows),
    "verify": verified,
}


def work(name: str, rows: int, library: str) -> None:
    """Do one piece of work in this process, and print what came of it."""
    if library == "json":
        sys.modules["orjson"] = None  # type: ignore[assignment]
    # It sets Django up.
    import_module("bench_project.wsgi")
    print(json.dumps(WORK[name](rows, library)))


def experiment(database: Database, rows: int) -> bool:
    """Verify in both ways, print what came of each, and return whether they keep the budgets."""
    env = environment("authaudit", database)
    run_command(env, "migrate", "--verbosity", "0")
    filling = in_own_process(env, "fill", str(rows), "orjson", script=__file__)
    # As autovacuum would have done by now, if the server has it on.
    with database.connect() as connection:
        connection.execute(f"ANALYZE {AUDIT_TABLE}")
    kept = True
    for library, budget in BUDGETS.items():
        found = in_own_process(env, "verify", str(rows), library, script=__file__)
        if found["problems"] or found["entries"] != rows:
            raise CannotRunError(f"{found['problems']} problems in {found['entries']} entries")
        rate = rows / found["cpu"]
        kept = kept and rate >= budget
        print(
            f"| {database.vendor} | {rows} | {library} | {rows / found['wall']:.0f} | {rate:.0f} "
            f"| {found['memory']:.1f} | {rows / filling['seconds']:.0f} |",
            flush=True,
        )
    return kept


def main(argv: Sequence[str]) -> int:
    """Measure on each database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="entries in the log")
    parser.add_argument("--database", action="append", choices=VENDORS)
    options = parser.parse_args(argv)
    clean_up_when_terminated()
    print(HEADER, flush=True)
    complete = True
    try:
        for vendor in options.database or VENDORS:
            with temporary_database(vendor) as database:
                complete = experiment(database, options.rows) and complete
    except CannotRunError as error:
        print(f"Cannot run: {error}", file=sys.stderr)
        return 2
    return 0 if complete else 1


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in WORK:
        work(sys.argv[1], int(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main(sys.argv[1:]))

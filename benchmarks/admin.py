"""How long the pages of the admin take on a small table and on a large one, and what indexes cost.

Both tables hold the same ninety days of the same people; the large one has more of everything, and
one account with a flood of old entries. Each page is asked for as a browser would, through the
whole project, in a process of its own. An index is priced by inserting entries with and without
it. The peers' lists are measured on tables of their own, beside ours. PostgreSQL alone. Exit
status: 0 within the budgets, 1 a budget was missed, 2 could not run.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import admin_peers
from admin_rows import INSERT
from databases import (
    CannotRunError,
    Database,
    clean_up_when_terminated,
    environment,
    server_version,
    temporary_database,
)
from prune import in_own_process
from server import run_command

PATH = "/admin/django_authaudit/auditlog/"
BUDGET_MS = 150.0
BUDGET_RATIO = 1.5
PRICED = 20_000
# Small and large by turns: a busy minute of the machine is no property of either table.
TURNS = 3


def cases() -> dict[str, dict[str, Any]]:
    """Return the pages by name, as parameters of the list."""
    from django_authaudit.entry import first_id_at, time_of
    from django_authaudit.models import AuditLog

    newest = time_of(AuditLog.objects.order_by("-pk").values_list("pk", flat=True)[0])
    middle, oldest = first_id_at(newest - timedelta(days=45)), first_id_at(newest - timedelta(89))
    entry = AuditLog.objects.filter(pk__lt=middle).order_by("-pk")[0]
    return {
        "newest page": {},
        "page in the middle": {"before": middle},
        "page before it": {"after": middle},
        "oldest page": {"after": "00000000-0000-0000-0000-000000000000"},
        "jump to a time": {"at": (newest - timedelta(days=60)).isoformat()},
        "event": {"event": "auth.login.failure"},
        "event, in the middle": {"event": "auth.login.failure", "before": middle},
        "event, last seen long ago": {"event": "authz.group.created", "before": oldest},
        "event that never happened": {"event": "auth.sso.failure"},
        "outcome": {"outcome": "failure"},
        "last hour": {"period": "hour"},
        "last 24 hours": {"period": "day"},
        "last 7 days": {"period": "week"},
        "from, until": _days(newest, 40, 39),
        "user": {"user_id": 1},
        "user, in the middle": {"user_id": 1, "before": middle},
        "user of an old flood": {"user_id": 900_000},
        "actor": {"actor_id": 1},
        "address": {"ip_address": "10.0.1.2"},
        "session": {"session_ref": entry.session_ref},
        "request": {"request_id": entry.request_id},
        "search: name": {"q": "user1"},
        "search: unknown name": {"q": "nobody"},
        "search: e-mail": {"q": "user1@example.com"},
        "search: address": {"q": "10.0.1.2"},
        "search: network": {"q": "10.0.1.0/24"},
        "search: large network": {"q": "10.0.0.0/16"},
        "search: request": {"q": entry.request_id},
        "search: event prefix": {"q": "auth.login"},
        "search: family": {"q": "auth"},
        "event and outcome that exclude each other": {
            "event": "auth.login.failure",
            "outcome": "success",
        },
        "user and rare event": {"user_id": 1, "event": "authz.role.granted"},
        "search and outcome": {"q": "user1", "outcome": "failure"},
    }


def _days(newest: datetime, since: int, until: int) -> dict[str, str]:
    ago = {"since": since, "until": until}
    return {name: (newest - timedelta(days=days)).isoformat() for name, days in ago.items()}


def filled(rows: int, rounds: int) -> dict[str, Any]:
    """Store `rows` entries; indexes are built afterwards."""
    from django.db import connection

    from django_authaudit.models import AuditLog

    with connection.schema_editor() as editor:
        for index in AuditLog._meta.indexes:
            editor.remove_index(AuditLog, index)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, {"rows": rows, "first": 1, "total": rows})
    with connection.schema_editor() as editor:
        for index in AuditLog._meta.indexes:
            editor.add_index(AuditLog, index)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE django_authaudit_auditlog")
    return {}


def timed(rows: int, rounds: int) -> dict[str, Any]:
    """Ask for each page `rounds` times; return its rows, and the least time in milliseconds."""
    from django.contrib.auth.models import User
    from django.test import Client

    browser = Client(headers={"host": "localhost"})
    root = {"is_staff": True, "is_superuser": True}
    browser.force_login(User.objects.get_or_create(username="root", defaults=root)[0])
    return {name: _least(browser, parameters, rounds) for name, parameters in cases().items()}


def _least(browser: Any, parameters: dict[str, Any], rounds: int) -> dict[str, Any]:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        response = browser.get(PATH, parameters)
        times.append((time.perf_counter() - start) * 1000)
        if response.status_code != 200:
            raise CannotRunError(f"{parameters}: status {response.status_code}")
    # Whatever else the machine does only adds to it.
    return {"ms": min(times), "rows": response.content.count(b'class="field-when')}


def priced(rows: int, rounds: int) -> dict[str, Any]:
    """Return what each index, alone, adds to the insertion of an entry, in microseconds."""
    from django_authaudit.models import AuditLog

    names = {index.name for index in AuditLog._meta.indexes}
    found: dict[str, float] = {}
    for dropped in ({*names}, *({*names} - {name} for name in sorted(names)), set()):
        kept = ", ".join(names - dropped) if len(names - dropped) < 2 else "all of them"
        found[kept] = min(_insertion(rows, dropped) for _ in range(rounds))
    bare = found.pop("")
    return {
        name: {"us": cost - bare, "mb": sum(map(_size, names & {name} or names))}
        for name, cost in found.items()
    }


def _insertion(rows: int, dropped: set[str]) -> float:
    """Insert entries, without some of the indexes, undo both; return microseconds an entry."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for name in dropped:
            cursor.execute(f'DROP INDEX "{name}"')
        start = time.perf_counter()
        cursor.execute(INSERT, {"rows": PRICED, "first": rows + 1, "total": rows})
        seconds = time.perf_counter() - start
        transaction.set_rollback(True)
    return seconds / PRICED * 1e6


def _size(name: str) -> float:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s)", [name])
        return int(cursor.fetchone()[0]) / 2**20


WORK = {"fill": filled, "time": timed, "price": priced}


def work(name: str, rows: str, rounds: str) -> None:
    """Do one piece of work in this process, and print what came of it."""
    # It sets Django up.
    import_module("bench_project.wsgi")
    print(json.dumps(WORK[name](int(rows), int(rounds))))


def measured(databases: Sequence[Database], sizes: Sequence[int], rounds: int) -> list[Any]:
    """Fill the databases, and measure in the one and in the other by turns, then the indexes."""
    envs = [environment("authaudit", database) for database in databases]
    found: list[dict[str, Any]] = [{}, {}]
    for env, rows in zip(envs, sizes, strict=True):
        run_command(env, "migrate", "--verbosity", "0")
        in_own_process(env, "fill", str(rows), str(rounds), script=__file__)
    for _ in range(TURNS):
        for its, env, rows in zip(found, envs, sizes, strict=True):
            once = in_own_process(env, "time", str(rows), str(rounds), script=__file__)
            its["time"] = {name: _faster(its.get("time", once)[name], once[name]) for name in once}
    numbers = (str(sizes[1]), str(rounds))
    found[1]["price"] = in_own_process(envs[1], "price", *numbers, script=__file__)
    return found


def _faster(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return min(one, other, key=lambda page: page["ms"])


def report(small: dict[str, Any], large: dict[str, Any], sizes: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the report, and mark what misses a budget."""
    yield f"| page | {sizes[0]:,} entries, ms | {sizes[1]:,} entries, ms | ratio | budget |"
    yield "|---|--:|--:|--:|---|"
    for name, few in small["time"].items():
        many = large["time"][name]
        ratio = many["ms"] / few["ms"]
        # A page with more rows takes longer to draw, on whichever table.
        too_slow = few["rows"] == many["rows"] and ratio > BUDGET_RATIO
        verdict = "MISSED" if many["ms"] > BUDGET_MS or too_slow else "PASS"
        yield f"| {name} | {few['ms']:.0f} | {many['ms']:.0f} | {ratio:.2f} | {verdict} |"
    yield ""
    yield f"| index | an entry costs more by, us | size at {sizes[1]:,} entries, MB |"
    yield "|---|--:|--:|"
    for name, found in large["price"].items():
        yield f"| {name} | {found['us']:.1f} | {found['mb']:.0f} |"


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=50_000, help="entries of the small table")
    parser.add_argument("--large", type=int, default=5_000_000, help="entries of the large table")
    parser.add_argument(
        "--peers", type=int, default=1_000_000, help="entries of each peer; 0: no peers"
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=4,
        help=f"of each page in each of {TURNS} turns, and of each index and peer",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str]) -> int:
    """Measure on both tables and print the report."""
    options = arguments(argv)
    clean_up_when_terminated()
    sizes = (options.small, options.large)
    try:
        print(server_version("postgresql"), flush=True)
        with temporary_database("postgresql") as small, temporary_database("postgresql") as large:
            found = measured((small, large), sizes, options.rounds)
        peers = admin_peers.measured(options.peers, options.rounds) if options.peers else {}
    except CannotRunError as error:
        print(f"Cannot run: {error}", file=sys.stderr)
        return 2
    lines = list(report(found[0], found[1], sizes))
    if peers:
        lines += ["", *admin_peers.report(peers, options.peers)]
    print("\n".join(lines))
    return int(any("MISSED" in line for line in lines))


if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in WORK:
        work(*sys.argv[1:])
    else:
        sys.exit(main(sys.argv[1:]))

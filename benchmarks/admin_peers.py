"""How long the lists of other audit apps take in the admin, beside ours, on as many entries.

Each app has a database of its own, a thousand accounts, and entries of ninety days: failed logins
or what comes nearest. The peers number their pages, so that "the middle" is half of the numbers;
the search is for one name.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

from admin_rows import INSERT
from bench_project.variants import AUDIT_TABLE, VARIANTS
from databases import HERE, CannotRunError, environment, temporary_database
from prune import in_own_process
from server import run_command

PAGES = ("newest page", "page in the middle", "search: name")
OURS = "authaudit"
NAME = "user1"

ACCOUNTS = """
INSERT INTO auth_user (
    id, username, email, password, first_name, last_name,
    is_staff, is_active, is_superuser, date_joined
)
SELECT n, 'user' || n, 'user' || n || '@example.com', '', '', '', false, true, false, now()
FROM generate_series(1, 1000) AS n
"""
_ENTRIES = """
FROM (
    SELECT
        n,
        now() - (%(rows)s - n) * interval '90 days' / %(rows)s AS moment,
        1 + floor(1000 * power(random(), 4))::int AS person,
        random() AS chance
    FROM generate_series(1, %(rows)s::bigint) AS n
) AS entry
"""
_ADDRESS = "'10.' || person / 250 || '.' || person %% 250 || '.' || n %% 4 + 1"


@dataclass(frozen=True)
class Peer:
    """The table of an app that holds what is nearest to a login, and how to fill it."""

    table: str
    path: str
    insert: str


PEERS = {
    "auditlog": Peer(
        "auditlog_logentry",
        "/admin/auditlog/logentry/",
        f"""
        INSERT INTO auditlog_logentry (
            content_type_id, object_pk, object_id, object_repr, action, changes_text, changes,
            actor_id, remote_addr, timestamp
        )
        SELECT
            (SELECT id FROM django_content_type WHERE app_label = 'auth' AND model = 'user'),
            person::text, person, 'user' || person, 1, '',
            '{{"last_login": ["2026-01-01 00:00:00", "2026-01-02 00:00:00"]}}'::jsonb,
            person, ({_ADDRESS})::inet, moment
        {_ENTRIES}""",
    ),
    "easy-audit-logins": Peer(
        "easyaudit_loginevent",
        "/admin/easyaudit/loginevent/",
        f"""
        INSERT INTO easyaudit_loginevent (login_type, username, user_id, remote_ip, datetime)
        SELECT
            CASE WHEN chance < 0.5 THEN 0 WHEN chance < 0.8 THEN 2 ELSE 1 END,
            'user' || person, person, {_ADDRESS}, moment
        {_ENTRIES}""",
    ),
    "axes": Peer(
        "axes_accessfailurelog",
        "/admin/axes/accessfailurelog/",
        f"""
        INSERT INTO axes_accessfailurelog (
            user_agent, ip_address, username, http_accept, path_info, attempt_time, locked_out
        )
        SELECT
            'Mozilla/5.0 (X11; Linux x86_64; rv:' || 120 + n %% 20 || '.0) Firefox/140.0',
            ({_ADDRESS})::inet, 'user' || person, 'text/html', '/accounts/login/', moment, false
        {_ENTRIES}""",
    ),
    OURS: Peer(AUDIT_TABLE, "/admin/django_authaudit/auditlog/", INSERT),
}


def filled(variant: str, rows: int, rounds: int) -> dict[str, Any]:
    """Store the accounts and `rows` entries, with every index in place."""
    from django.db import connection

    peer = PEERS[variant]
    with connection.cursor() as cursor:
        cursor.execute(ACCOUNTS)
        cursor.execute(peer.insert, {"rows": rows, "first": 1, "total": rows})
        cursor.execute(f"VACUUM ANALYZE {peer.table}")
    return {}


def timed(variant: str, rows: int, rounds: int) -> dict[str, float]:
    """Ask for each page `rounds` times; return the least time in milliseconds."""
    from django.contrib.auth.models import User
    from django.test import Client

    browser = Client(headers={"host": "localhost"})
    root = User.objects.create_superuser("root", id=1_000_000)
    browser.force_login(root, "django.contrib.auth.backends.ModelBackend")
    parameters: list[dict[str, Any]] = [{}, _middle(variant, rows), {"q": NAME}]
    return {
        name: _least(browser, PEERS[variant].path, page, rounds)
        for name, page in zip(PAGES, parameters, strict=True)
    }


def _middle(variant: str, rows: int) -> dict[str, Any]:
    if variant != OURS:
        # All of them show a hundred on a page.
        return {"p": max(1, rows // 200)}
    from django_authaudit.models import AuditLog

    entries = AuditLog.objects.order_by("-pk").values_list("pk", flat=True)
    return {"before": entries[rows // 2]}


def _least(browser: Any, path: str, parameters: dict[str, Any], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        response = browser.get(path, parameters)
        times.append((time.perf_counter() - start) * 1000)
        # A page that does not exist leads back to the first.
        if response.status_code != 200:
            raise CannotRunError(f"{path} {parameters}: status {response.status_code}")
    return min(times)


WORK: dict[str, Callable[[str, int, int], dict[str, Any]]] = {"fill": filled, "time": timed}


def work(name: str, variant: str, rows: str, rounds: str) -> None:
    """Do one piece of work in this process, and print what came of it."""
    # It sets Django up.
    import_module("bench_project.wsgi")
    print(json.dumps(WORK[name](variant, int(rows), int(rounds))))


def measured(rows: int, rounds: int) -> dict[str, dict[str, float]]:
    """Return the times of every app's pages, one app after the other."""
    found = {}
    for variant in (OURS, *(name for name in PEERS if name != OURS)):
        with temporary_database("postgresql") as database:
            env = environment(variant, database)
            run_command(env, "migrate", "--verbosity", "0")
            arguments = (variant, str(rows), str(rounds))
            script = str(HERE / "admin_peers.py")
            in_own_process(env, "fill", *arguments, script=script)
            found[variant] = in_own_process(env, "time", *arguments, script=script)
    return found


def report(found: dict[str, dict[str, float]], rows: int) -> Iterator[str]:
    """Yield the lines of the table."""
    yield f"| {rows:,} entries, ms | {' | '.join(PAGES)} |"
    yield f"|---{'|--:' * len(PAGES)}|"
    for variant, times in found.items():
        distribution = VARIANTS[variant].distribution
        cells = " | ".join(f"{times[page]:,.0f}" for page in PAGES)
        yield f"| {distribution} {version(distribution)} | {cells} |"


if __name__ == "__main__":
    work(*sys.argv[1:])

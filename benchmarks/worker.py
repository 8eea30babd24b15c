"""One project in one process: does what the runner asks for over a pipe, and times it.

A line in is a JSON list `[command, ...]`, a line out its JSON answer.
"""

import gc
import io
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Callable
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from psycopg.types.json import Jsonb

from bench_project.variants import AUDIT_TABLE, VARIANTS
from bench_project.wsgi import application

# As many accounts as keeps each of them below what a person would do.
ACCOUNTS = 100
PASSWORD = "correct-horse"
CSRF_SECRET = "a" * 32

STATUS = {"page": 200, "account": 200, "forbidden": 403, "failure": 200, "login": 302}
PATHS = {"page": "/", "account": "/account/", "forbidden": "/forbidden/"}


def environ_for(kind: str, number: int, session: str) -> dict[str, Any]:
    """Build the WSGI environment of one request, each account from its own address."""
    account = number % ACCOUNTS
    cookies = f"csrftoken={CSRF_SECRET}"
    body = b""
    if kind in ("failure", "login"):
        password = PASSWORD if kind == "login" else "wrong"
        body = urlencode(
            {
                "csrfmiddlewaretoken": CSRF_SECRET,
                "username": f"user{account}",
                "password": password,
            }
        ).encode()
    elif kind == "account":
        cookies += f"; sessionid={session}"
    return {
        "REQUEST_METHOD": "POST" if body else "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": PATHS.get(kind, "/login/"),
        "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded" if body else "",
        "CONTENT_LENGTH": str(len(body)),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": f"192.0.2.{account + 1}",
        "HTTP_HOST": "localhost",
        "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0",
        "HTTP_COOKIE": cookies,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


class Worker:
    """Answers the runner's commands."""

    def __init__(self, variant: str) -> None:
        self.evidence = VARIANTS[variant].evidence
        self.session = ""
        self.number = 0
        self.insert: Callable[[], None] | None = None

    def prepare(self) -> str:
        """Migrate, make the accounts, sign one of them in."""
        call_command("migrate", verbosity=0, interactive=False)
        users = get_user_model().objects
        for account in range(ACCOUNTS):
            users.create_user(username=f"user{account}", password=PASSWORD)
        _, headers = self._request("login")
        cookies: SimpleCookie = SimpleCookie()
        for name, value in headers:
            if name.lower() == "set-cookie":
                cookies.load(value)
        self.session = cookies["sessionid"].value
        gc.collect()
        return "ready"

    def measure(self, kind: str, times: int) -> list[int]:
        """Return the nanoseconds that each of some requests took."""
        # The other processes have had the caches of the processor meanwhile.
        self._request("page")
        return [self._request(kind)[0] for _ in range(times)]

    def count(self, kind: str) -> int | None:
        """Return how many events of a kind are stored, None where the variant stores none."""
        if kind not in self.evidence:
            return None
        with connection.cursor() as cursor:
            cursor.execute(self.evidence[kind].count)
            return int(cursor.fetchone()[0])

    def measure_insert(self, times: int) -> list[int]:
        """Time bare INSERTs into the audit table, in nanoseconds."""
        insert = self.insert = self.insert or bare_insert()
        self._request("page")
        return [_timed(insert) for _ in range(times)]

    def measure_lookup(self, times: int) -> list[int]:
        """Time the indexed look-up of an account by its name, in nanoseconds."""
        connection.ensure_connection()
        statement = f"SELECT id, is_active FROM auth_user WHERE username = {_placeholder()}"

        def lookup() -> None:
            cursor = connection.connection.cursor()
            cursor.execute(statement, [f"user{random.randrange(ACCOUNTS)}"])
            cursor.fetchall()

        return [_timed(lookup) for _ in range(times)]

    def _request(self, kind: str) -> tuple[int, list[tuple[str, str]]]:
        environ = environ_for(kind, self.number, self.session)
        self.number += 1
        answer: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], error: Any = None, /
        ) -> Callable[[bytes], object]:
            answer.extend([status, headers])
            return answer.append

        begin = time.perf_counter_ns()
        response = application(environ, start_response)
        for _ in response:
            pass
        response.close()
        took = time.perf_counter_ns() - begin
        status = int(answer[0].split()[0])
        if status != STATUS[kind]:
            raise RuntimeError(f"{kind}: expected {STATUS[kind]}, got {answer[0]}")
        return took, answer[1]


def bare_insert() -> Callable[[], None]:
    """Return an autocommit INSERT of a stored entry's copy, by the driver's own cursor."""
    connection.ensure_connection()
    cursor = connection.connection.cursor()
    # Read by the driver too, so that the values go back as they came.
    cursor.execute(f"SELECT * FROM {AUDIT_TABLE} WHERE event = 'auth.login.failure' LIMIT 1")
    columns = [column[0] for column in cursor.description]
    row = list(cursor.fetchone())
    if connection.vendor == "postgresql":
        row = [Jsonb(value) if isinstance(value, dict) else value for value in row]
    # So that it does not count as a failed login.
    row[columns.index("event")] = "benchmark.insert"
    key = columns.index("id")
    names = ", ".join(f'"{name}"' for name in columns)
    values = ", ".join([_placeholder()] * len(columns))
    statement = f"INSERT INTO {AUDIT_TABLE} ({names}) VALUES ({values})"

    def insert() -> None:
        identity = _time_ordered_uuid()
        row[key] = identity.hex if connection.vendor == "sqlite" else identity
        connection.connection.cursor().execute(statement, row)

    return insert


def _placeholder() -> str:
    return "?" if connection.vendor == "sqlite" else "%s"


def _time_ordered_uuid() -> uuid.UUID:
    return uuid.UUID(int=(time.time_ns() // 1_000_000) << 80 | 7 << 76 | random.getrandbits(76))


def _timed(call: Callable[[], None]) -> int:
    begin = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - begin


def main() -> None:
    """Serve until the runner closes the pipe."""
    answers = os.fdopen(os.dup(1), "w")
    # What a package prints must not end up between the answers.
    os.dup2(2, 1)
    worker = Worker(os.environ["BENCH_VARIANT"])
    for line in sys.stdin:
        command, *arguments = json.loads(line)
        answers.write(json.dumps(getattr(worker, command)(*arguments)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()

"""Ways to break what the audit needs, each repaired on leaving."""

import os
import random
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from bench_project.variants import AUDIT_TABLE
from databases import VENDORS, Database
from server import ADDRESS, free_port, run_command

SMALL_DISK_BYTES = 32 * 1024
LOCKED_SECONDS = 3.0

_CREATE_TABLE = """
from django.db import connection
from django_authaudit.models import AuditLog
with connection.schema_editor() as editor:
    editor.create_model(AuditLog)
"""


@dataclass(frozen=True)
class Place:
    """Where the audit table is, and how the server reaches it."""

    database: Database
    env: dict[str, str]
    link: "Link | None" = None


Fault = Callable[[Place], AbstractContextManager[None]]


@dataclass(frozen=True)
class Scenario:
    """Something that goes wrong while users log in."""

    title: str
    fault: Fault
    # Where the log gets a database of its own, so that nothing else is broken.
    own_database: tuple[str, ...] = ()
    full_spool: bool = False


class Link:
    """A port that leads to PostgreSQL until it is cut: then it refuses, as if it were stopped."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.port = free_port()
        self._sockets: set[socket.socket] = set()
        self.restore()

    def restore(self) -> None:
        """Accept connections."""
        self._listener = socket.create_server((ADDRESS, self.port))
        threading.Thread(target=self._accept, args=[self._listener], daemon=True).start()

    def cut(self) -> None:
        """Close every connection and refuse new ones."""
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.target)
                self._sockets |= {near, far}
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=[source, sink], daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def none(place: Place) -> AbstractContextManager[None]:
    """Break nothing, to compare with."""
    return nullcontext()


@contextmanager
def table_dropped(place: Place) -> Iterator[None]:
    """Drop the audit table; make it again at the end."""
    with place.database.connect() as connection:
        connection.execute(f"DROP TABLE {AUDIT_TABLE}")
    yield
    run_command(place.env, "shell", "-v", "0", "-c", _CREATE_TABLE)


@contextmanager
def table_coming_and_going(place: Place) -> Iterator[None]:
    """Rename the audit table again and again, so that entries are spooled and replayed."""
    over = threading.Event()
    mover = threading.Thread(target=_move_table, args=[place.database, over])
    mover.start()
    try:
        yield
    finally:
        over.set()
        mover.join()


def _move_table(database: Database, over: threading.Event) -> None:
    away = f"{AUDIT_TABLE}_away"
    with database.connect() as connection:
        while not over.wait(random.uniform(0.1, 0.8)):
            connection.execute(f"ALTER TABLE {AUDIT_TABLE} RENAME TO {away}")
            over.wait(random.uniform(0.1, 0.8))
            connection.execute(f"ALTER TABLE {away} RENAME TO {AUDIT_TABLE}")


@contextmanager
def connection_refused(place: Place) -> Iterator[None]:
    """Cut the way to the audit's own database."""
    if place.link is not None:
        place.link.cut()
        yield
        place.link.restore()
        return
    folder = Path(place.database.name).parent
    away = folder.with_name(f"{folder.name}-away")
    folder.rename(away)
    yield
    away.rename(folder)


@contextmanager
def table_locked(place: Place) -> Iterator[None]:
    """Lock the audit table for some seconds (SQLite: its database) as a long migration would."""
    held = threading.Event()
    holder = threading.Thread(target=_hold_lock, args=[place.database, held])
    holder.start()
    held.wait()
    yield
    holder.join()


def _hold_lock(database: Database, held: threading.Event) -> None:
    with database.connect() as connection:
        if database.vendor == "sqlite":
            connection.execute("BEGIN EXCLUSIVE")
        else:
            connection.execute("BEGIN")
            connection.execute(f"LOCK TABLE {AUDIT_TABLE} IN ACCESS EXCLUSIVE MODE")
        held.set()
        threading.Event().wait(LOCKED_SECONDS)
        connection.execute("COMMIT")


def can_mount() -> bool:
    """Return whether a small disk can be mounted."""
    return os.geteuid() == 0


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount a disk on a folder that a few dozen entries fill."""
    folder.mkdir(mode=0o700)
    options = f"size={SMALL_DISK_BYTES},mode=0700"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


SCENARIOS = (
    Scenario("nothing (to compare with)", none),
    Scenario("audit table dropped", table_dropped),
    Scenario("audit database refused", connection_refused, own_database=VENDORS),
    Scenario("audit table dropped, spool disk full", table_dropped, full_spool=True),
    # A lock of SQLite is the whole file's.
    Scenario("audit table locked for 3 s", table_locked, own_database=("sqlite",)),
)

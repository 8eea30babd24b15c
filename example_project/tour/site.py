"""The running site: its fresh database, and Django's own development server in a process."""

import os
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType

from tour.visitor import TourError

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"
SECONDS_TO_START = 60
USUAL_PORT = 8000


def claim(folder: Path) -> sqlite3.Connection:
    """Claim `folder` for one demo; raise TourError while another one holds it.

    The claim ends with the connection, and so with the process, however that ends.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = sqlite3.connect(folder / "demo.lock", timeout=0, isolation_level=None)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        lock.close()
        raise TourError("Another demo is still being served: end it with Ctrl-C first.") from error
    return lock


def sweep(folder: Path) -> None:
    """Remove what an earlier demo left in `folder`, by name: nothing else is touched."""
    leftovers = [folder / "server.log", *folder.glob("harbour.sqlite3*")]
    leftovers += [*folder.glob("mail/*.log"), *folder.glob("spool/**/*")]
    for path in leftovers:
        if path.is_file():
            path.unlink()


def is_free(port: int) -> bool:
    """Tell whether nothing listens on `port` of the loopback interface."""
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def free_port(*, usual: bool) -> int:
    """Return the development server's usual port, if wanted and free, or any free one."""
    if usual and is_free(USUAL_PORT):
        return USUAL_PORT
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """The development server, alive inside a ``with`` block."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log
        self.address = f"http://127.0.0.1:{port}/"

    def __enter__(self) -> "Server":
        """Start, and return when the server answers. Raises TourError if it never does."""
        if not is_free(self.port):
            raise TourError(f"Port {self.port} is taken: choose another with --port.")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, MANAGE, "runserver", "--noreload", f"127.0.0.1:{self.port}"],
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + SECONDS_TO_START
        while is_free(self.port) and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        if self.process.poll() is not None or time.monotonic() > deadline:
            self.stop()
            raise TourError(f"The server did not start:\n{self.log.read_text()}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def wait(self) -> None:
        """Wait until the server ends by itself."""
        self.process.wait()

    def stop(self) -> None:
        """End the server's process and wait for it."""
        self.process.terminate()
        self.process.wait()

"""The server under test (gunicorn) and the browsers that talk to it, all on the loopback."""

import contextlib
import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from databases import HERE, CannotRunError

ADDRESS = "127.0.0.1"
CSRF_SECRET = "a" * 32
START_SECONDS = 30
ANSWER_SECONDS = 30
REFUSED = 0


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return int(probe.getsockname()[1])


def run_command(env: dict[str, str], *command: str, allowed: tuple[int, ...] = (0,)) -> str:
    """Run a command of `manage.py`; return what it printed.

    Raises CannotRunError for a status that is not `allowed`.
    """
    done = subprocess.run(
        [sys.executable, HERE / "manage.py", *command],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in allowed:
        raise CannotRunError(f"{command[0]} ended with {done.returncode}:\n{done.stderr}")
    return done.stdout + done.stderr


class Server:
    """Gunicorn with two workers of four threads, in a process group of its own."""

    def __init__(self, env: dict[str, str], log: Path, file_limit: int | None = None) -> None:
        self.env = env
        self.log = log
        self.port = free_port()
        # The greatest size in bytes of any file it may write, where a full disk can't be mounted.
        self.file_limit = file_limit
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self) -> None:
        """Start, and wait until it answers. Raises CannotRunError."""
        self._process = process = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "bench_project.wsgi"),
                *("--bind", f"{ADDRESS}:{self.port}", "--workers", "2", "--threads", "4"),
                *("--log-level", "warning", "--no-control-socket"),
            ],
            env=self.env,
            cwd=HERE,
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            preexec_fn=self._limit,
        )
        # Through a pipe: a limit on file sizes must not cut the log.
        self._reader = threading.Thread(target=self._copy_log, args=[process])
        self._reader.start()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if request(self.port, "/") == 200:
                    return
            time.sleep(0.05)
        self.kill()
        raise CannotRunError(f"the server did not start:\n{self.log.read_text()}")

    def kill(self) -> None:
        """Kill master and workers at once with SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop in peace."""
        self._end(signal.SIGTERM)

    def _end(self, signum: signal.Signals) -> None:
        if self._process is None or self._reader is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if signum is signal.SIGKILL:
                os.killpg(self._process.pid, signum)
            else:
                self._process.send_signal(signum)
        self._process.wait()
        self._reader.join()
        self._process = self._reader = None

    def _limit(self) -> None:
        if self.file_limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_limit, self.file_limit))

    def _copy_log(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with self.log.open("a", encoding="utf-8") as log:
            for line in process.stdout:
                log.write(line)
                log.flush()


def request(port: int, path: str, form: dict[str, str] | None = None) -> int:
    """Send one request, read the whole answer, return its status."""
    connection = http.client.HTTPConnection(ADDRESS, port, timeout=ANSWER_SECONDS)
    with contextlib.closing(connection):
        if form is None:
            connection.request("GET", path)
        else:
            connection.request(
                "POST",
                path,
                urlencode({"csrfmiddlewaretoken": CSRF_SECRET, **form}),
                {
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Cookie": f"csrftoken={CSRF_SECRET}",
                },
            )
        response = connection.getresponse()
        response.read()
        return response.status


@dataclass(frozen=True)
class Answer:
    """How a try to log in ended: the status, None without an answer, REFUSED if never sent."""

    username: str
    status: int | None
    seconds: float


def log_in(port: int, username: str, password: str) -> Answer:
    """Try to log in once."""
    begin = time.monotonic()
    status: int | None
    try:
        status = request(port, "/login/", {"username": username, "password": password})
    except ConnectionRefusedError:
        status = REFUSED
    except (OSError, http.client.HTTPException):
        status = None
    return Answer(username, status, time.monotonic() - begin)


@contextlib.contextmanager
def in_threads(count: int, work: Callable[[int, threading.Event], None]) -> Iterator[None]:
    """Run `work(number, stop)` in threads; on leaving, ask them to stop and wait."""
    stop = threading.Event()
    threads = [threading.Thread(target=work, args=[number, stop]) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()

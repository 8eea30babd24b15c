"""What a request costs with each audit app, or with our sinks, measured interleaved in one run."""

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench_project.variants import VARIANTS
from databases import (
    HERE,
    VENDORS,
    CannotRunError,
    Database,
    clean_up_when_terminated,
    environment,
    temporary_database,
)
from latency_report import KINDS, Cell, Limits, Measured, render

# Cheap requests are repeated within a round, since their differences are small.
REPEATS = {"page": 10, "account": 4, "forbidden": 3, "failure": 1, "login": 1}
WARM_UP_ROUNDS = 10
OURS = "authaudit"


@dataclass
class Process:
    """One variant on one database, driven in lockstep."""

    variant: str
    database: Database
    pipe: subprocess.Popen[str]
    times: dict[str, list[int]] = field(default_factory=dict)
    stored: dict[str, int | None] = field(default_factory=dict)

    def ask(self, *command: Any) -> Any:
        """Send a command and return its answer."""
        assert self.pipe.stdin is not None
        assert self.pipe.stdout is not None
        try:
            self.pipe.stdin.write(json.dumps(command) + "\n")
            self.pipe.stdin.flush()
            answer = self.pipe.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            raise CannotRunError(f"{self.variant} on {self.database.vendor} died at {command}")
        return json.loads(answer)

    def run(self, kind: str) -> None:
        """Do a kind of request some times."""
        self.times.setdefault(kind, []).extend(self.ask("measure", kind, REPEATS[kind]))

    def run_limits(self) -> None:
        """Do what bounds our cost: one INSERT and one look-up."""
        self.times.setdefault("insert", []).extend(self.ask("measure_insert", 1))
        self.times.setdefault("lookup", []).extend(self.ask("measure_lookup", 1))


def start(stack: ExitStack, variant: str, vendor: str) -> Process:
    """Start a worker with its own database; both end with the stack."""
    database = stack.enter_context(temporary_database(vendor))
    pipe = subprocess.Popen(
        [sys.executable, HERE / "worker.py"],
        env=environment(variant, database),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    stack.callback(_stop, pipe)
    process = Process(variant, database, pipe)
    process.ask("prepare")
    return process


def _stop(pipe: subprocess.Popen[str]) -> None:
    if pipe.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            pipe.stdin.close()
    try:
        pipe.wait(10)
    except subprocess.TimeoutExpired:
        pipe.kill()
        pipe.wait()


def rounds(processes: list[Process], count: int) -> None:
    """Let every process do every kind once a round, in an order that rotates."""
    for number in range(WARM_UP_ROUNDS + count):
        if number == WARM_UP_ROUNDS:
            for process in processes:
                process.times.clear()
                process.stored = {kind: process.ask("count", kind) for kind in KINDS}
        first = number % len(processes)
        order = processes[first:] + processes[:first]
        for kind in KINDS:
            for process in order:
                process.run(kind)
        for process in order:
            if process.variant == OURS:
                process.run_limits()


def cell(process: Process, kind: str) -> Cell:
    """Return what one kind of request cost, and how many of its events were stored."""
    times = process.times[kind]
    before, after = process.stored[kind], process.ask("count", kind)
    share = None if before is None else (after - before) / len(times)
    return Cell(statistics.median(times) / 1e6, share)


def limits(processes: list[Process]) -> Limits | None:
    """Return the medians of the bare INSERT and look-up."""
    for process in processes:
        if process.variant == OURS:
            return Limits(
                statistics.median(process.times["insert"]) / 1e6,
                statistics.median(process.times["lookup"]) / 1e6,
            )
    return None


def measure(vendor: str, variants: list[str], count: int) -> Measured:
    """Measure on one database; alone, since each slows down the other's writes to the disk."""
    with ExitStack() as stack:
        processes = []
        for variant in variants:
            print(f"Preparing {variant} on {vendor} ...", file=sys.stderr)
            processes.append(start(stack, variant, vendor))
        print(f"Measuring {count} rounds on {vendor} ...", file=sys.stderr)
        rounds(processes, count)
        cells = {
            (kind, process.variant): cell(process, kind) for process in processes for kind in KINDS
        }
        return Measured(vendor, cells, limits(processes))


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sinks", action="store_true", help="measure our sinks, not the peers")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--database", action="append", choices=VENDORS)
    parser.add_argument("--variant", action="append", choices=[*VARIANTS])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    options.output = options.output or HERE / ("sinks.md" if options.sinks else "results.md")
    return options


def choose(options: argparse.Namespace) -> list[str]:
    """Return the variants to measure; everything is compared with a project without audit app."""
    names = options.variant
    if not names and options.sinks:
        names = [name for name in VARIANTS if name.startswith(("none", OURS))]
    elif not names:
        names = [name for name, variant in VARIANTS.items() if not variant.sinks_only]
    return [name for name in VARIANTS if name in {"none", *names}]


def main(argv: Sequence[str]) -> int:
    """Measure, print the report and write it; 0 when measured, 2 when that was impossible."""
    options = arguments(argv)
    clean_up_when_terminated()
    vendors = options.database or [*VENDORS]
    chosen = choose(options)
    try:
        measured = [measure(vendor, chosen, options.rounds) for vendor in vendors]
        report = render(measured, options.rounds, sinks=options.sinks)
    except CannotRunError as error:
        print(f"Cannot measure: {error}", file=sys.stderr)
        return 2
    print(report)
    options.output.write_text(report + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

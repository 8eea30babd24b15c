#!/usr/bin/env python3
"""Check a bundle of evidence from the audit log of a Django site. Needs Python 3.9, nothing else.

    python3 verify_bundle.py bundle.zip --public-key seal.pem [--anchor seals.jsonl]

The log numbers its entries by writer: 1, 2, 3, ... The site seals them: a seal is a statement
about runs of such numbers, signed with a key that the site keeps and whose public half you have.

What is checked, each step resting on the one before:

1. Each seal is signed (Ed25519, RFC 8032), or the next one vouches for it: every seal names the
   one before by its SHA-256, from number 1 to the last, which has to be signed.
2. The seals that you or others kept elsewhere (--anchor) are the same, so it is the same log, and
   nothing was cut off that had been sealed by then.
3. The runs that stand beside a seal are those that it was made of (by their digest).
4. The leaves of the entries, in the order of their numbers, are those of the run (by its digest).
   None is missing, none is doubled. An entry that is not shown still shows its leaf.
5. The leaf of each entry that is shown is the SHA-256 of what it says (RFC 8785).
6. The manifest is signed, each file is the one that it tells of, and a ZIP file holds no other: so
   nothing was done to the bundle, not even to entries that were not sealed yet.

So an entry that is edited, removed, added or moved is found and named. What is NOT proved: that
the site recorded everything, and, in a bundle of selected entries, that nothing else would have
belonged to the selection.

Exit status: 0 all of it holds, 1 something does not, 2 it could not be checked.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

LEAF = re.compile("[0-9a-f]{64}")


DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, OSError, EOFError),
    *(ValueError, KeyError, TypeError, AttributeError),
    RuntimeError,  # Encrypted, or compressed in another way.
)


class CannotCheckError(Exception):
    """Raised where nothing can be said about the bundle, good or bad."""


# --- Ed25519: RFC 8032, section 5.1. Verification only, so nothing here is secret. ---------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
Point = tuple[int, int, int, int]
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def decompress(data: bytes) -> Point | None:
    """Return the point that 32 bytes encode, as (X, Y, Z, T), or None (section 5.1.3)."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P == -u % P:
        x = x * ROOT_OF_MINUS_ONE % P
    if v * x * x % P != u or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def add(p: Point, q: Point) -> Point:
    """Return the sum of two points (section 5.1.4)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number: int, point: Point) -> Point:
    """Return `point` added to itself `number` times."""
    result: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point = add(point, point)
        number >>= 1
    return result


_BY = 4 * pow(5, P - 2, P) % P
BASE = decompress(_BY.to_bytes(32, "little")) or (0, 1, 1, 0)


def is_signed(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Return whether `signature` is that of `message` (section 5.1.7)."""
    if len(signature) != 64:
        return False
    key, r = decompress(public_key), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little")
    left, right = multiply(s, BASE), add(r, multiply(k % L, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (
        left[1] * right[2] - right[1] * left[2]
    ) % P == 0


def read_key(text: str) -> bytes:
    """Return the 32 bytes of a public key: its PEM (RFC 8410), or 64 hexadecimal digits."""
    lines = [line for line in text.strip().splitlines() if not line.startswith("-----")]
    try:
        data = bytes.fromhex(lines[0]) if len(lines[0]) == 64 else base64.b64decode("".join(lines))
    except (ValueError, IndexError):
        data = b""
    if data.startswith(bytes.fromhex("302a300506032b6570032100")):
        data = data[12:]
    if len(data) != 32 or decompress(data) is None:
        raise CannotCheckError("The public key is none of Ed25519.")
    return data


# --- JSON ----------------------------------------------------------------------------------------


def canonical(values: dict[str, Any]) -> bytes:
    """Return `values` as RFC 8785 writes them: entries hold no fractions and only ASCII keys."""
    return json.dumps(
        values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def parse(line: str | bytes) -> dict[str, Any]:
    """Return the JSON object in `line`; raise ValueError for anything else."""
    try:
        values = json.loads(
            line, object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(values, dict):
        raise ValueError("no object")
    return values


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _refuse(text: str) -> None:
    raise ValueError("a fraction")


def sha256(data: bytes) -> str:
    """Return the SHA-256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


# --- The bundle ----------------------------------------------------------------------------------


class Bundle:
    """A folder or a ZIP file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Give the file `name`, while it is needed."""
        if self._path.is_dir():
            with (self._path / name).open("rb") as file:
                yield file
        else:
            with zipfile.ZipFile(self._path) as archive, archive.open(name) as member:
                yield member

    def names(self) -> list[str]:
        """Return what a ZIP file holds; a folder may hold what is yours."""
        if self._path.is_dir():
            return []
        with zipfile.ZipFile(self._path) as archive:
            return archive.namelist()

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield the lines of the file `name`."""
        with self.open(name) as file:
            yield from file


class Report:
    """What is found, said as it is found."""

    def __init__(self) -> None:
        self.problems = 0
        self.counts: Counter[str] = Counter()

    def problem(self, where: str, what: str) -> None:
        """Say that something is wrong."""
        self.problems += 1
        self.say(f"WRONG  {where}: {what}")

    def say(self, line: str) -> None:
        """Print a line; what stands in a bundle is no command to a terminal."""
        sys.stdout.write(line.encode("ascii", "backslashreplace").decode() + "\n")


class Run:
    """Numbers of one writer, the leaves of which a seal knows by their digest."""

    def __init__(self, seal: int, values: dict[str, Any]) -> None:
        self.seal, self.leaves = seal, str(values["leaves"])
        self.writer, self.digest = str(values["writer"]), str(values["digest"])
        self.first, self.last = int(values["first"]), int(values["last"])
        self._next, self._hash = self.first, hashlib.sha256()
        self.missing: list[int] = []
        self.is_shown = self._lacks_leaves = False

    def __str__(self) -> str:
        return f"writer {self.writer}, entries {self.first} to {self.last}, in seal {self.seal}"

    def leaf(self, number: int) -> str:
        """Return the leaf of an entry of a run whose leaves are kept."""
        start = (number - self.first) * 64
        return self.leaves[start : start + 64]

    def take(self, number: int, leaf: str, pruned: Runs) -> None:
        """Go on with the leaf of the next entry that is there."""
        self.is_shown = True
        self.skip_to(number, pruned)
        self._hash.update(bytes.fromhex(leaf))
        self._next = number + 1

    def skip_to(self, number: int, pruned: Runs) -> None:
        """Pass over entries that are not there, by the leaves of those that were pruned."""
        for absent in range(self._next, number):
            run = pruned.find(self.writer, absent)
            if run is None:
                self.missing.append(absent)
            elif LEAF.fullmatch(run.leaf(absent)):
                self._hash.update(bytes.fromhex(run.leaf(absent)))
            else:
                self._lacks_leaves = True
        self._next = max(self._next, number)

    def finish(self, pruned: Runs, report: Report) -> None:
        """Say what is wrong with the run."""
        self.skip_to(self.last + 1, pruned)
        if self.missing:
            numbers = ", ".join(map(str, self.missing[:10])) + ", ..." * (len(self.missing) > 10)
            report.problem(str(self), f"entries are missing: {numbers}")
        elif self._lacks_leaves:
            report.problem(str(self), "the leaves of its pruned entries are missing")
        elif self._hash.hexdigest() != self.digest:
            report.problem(str(self), "its entries are not those that were sealed")


class Runs:
    """The runs of the seals of one kind."""

    def __init__(self) -> None:
        self._by_writer: dict[str, list[Run]] = defaultdict(list)
        self._firsts: dict[str, list[int]] = {}

    def __iter__(self) -> Iterator[Run]:
        return (run for runs in self._by_writer.values() for run in runs)

    def add(self, run: Run) -> None:
        """Add a run."""
        self._by_writer[run.writer].append(run)

    def sort(self) -> None:
        """Bring them into order, to be found."""
        for writer, runs in self._by_writer.items():
            runs.sort(key=lambda run: run.first)
            self._firsts[writer] = [run.first for run in runs]

    def find(self, writer: str, number: int) -> Run | None:
        """Return the run that an entry is in."""
        place = bisect_right(self._firsts.get(writer, []), number) - 1
        if place < 0 or self._by_writer[writer][place].last < number:
            return None
        return self._by_writer[writer][place]


# --- The steps -----------------------------------------------------------------------------------


class Check:
    """The check of one bundle."""

    def __init__(self, bundle: Bundle, keys: list[bytes], anchors: dict[int, str]) -> None:
        self.bundle, self.keys, self.anchors, self.report = bundle, keys, anchors, Report()
        self.sealed, self.pruned, self.erased = Runs(), Runs(), Runs()
        self.kinds = {"sealed": self.sealed, "pruned": self.pruned, "erased": self.erased}

    def run(self) -> int:
        """Check everything, say what is found, and return how many problems there are."""
        report, counts = self.report, self.report.counts
        manifest = self.manifest()
        self.seals()
        self.entries()
        self.untouched(bool(manifest.get("complete")))
        report.say(
            f"Seals: {counts['seals']}. Entries shown: {counts['shown']}, of which erased: "
            f"{counts['erased']}, and not sealed when the bundle was made: {counts['unsealed']}. "
            f"Entries withheld: {counts['withheld']}; runs of which none is shown: "
            f"{counts['runs elsewhere']}."
        )
        return report.problems

    def is_signed(self, signature: Any, message: bytes) -> bool:
        """Return whether one of the keys has signed `message`."""
        try:
            data = bytes.fromhex(signature)
        except (ValueError, TypeError):
            return False
        return any(is_signed(key, data, message) for key in self.keys)

    def manifest(self) -> dict[str, Any]:
        """Check that each file is the one that the manifest tells of."""
        text = b"".join(self.bundle.lines("manifest.json"))
        manifest = parse(text)
        signature = manifest.pop("signature", "")
        if not self.is_signed(signature, canonical(manifest)):
            self.report.problem("manifest.json", "its signature is wrong")
        for name, known in manifest["files"].items():
            digest = hashlib.sha256()
            with self.bundle.open(name) as file:
                for block in iter(lambda: file.read(1 << 16), b""):
                    digest.update(block)
            if digest.hexdigest() != known:
                self.report.problem(name, "it is not the file that the manifest tells of")
        self.others({**manifest["files"], "manifest.json": sha256(text)})
        return manifest

    def others(self, sums: dict[str, str]) -> None:
        """Check that nothing stands beside the files of the manifest, whose `sums` these are."""
        lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        if b"".join(self.bundle.lines("SHA256SUMS")) != lines.encode():
            self.report.problem("SHA256SUMS", "its sums are not those of the manifest")
        for name, count in Counter(self.bundle.names()).items():
            if count > 1:
                self.report.problem(name, "it is there twice: another reader may take the other")
            elif name not in sums and name != "SHA256SUMS":
                self.report.problem(name, "the manifest tells of no such file")

    def seals(self) -> None:
        """Check the chain of the seals, and learn of which runs they speak."""
        number, previous, signed = 0, "", False
        for line in self.bundle.lines("seals.jsonl"):
            self.report.counts["seals"] += 1
            number += 1
            where = f"seal {number}"
            try:
                seal = parse(line)
                statement = seal["statement"].encode()
                said = parse(statement)
                runs = [Run(number, values) for values in seal["runs"]]
                kind = self.kinds[said["kind"]]
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                self.report.problem(where, f"it cannot be read: {error!r}")
                continue
            if said.get("number") != number:
                self.report.problem(where, f"seal {said.get('number')} stands in its place")
            if said.get("previous") != previous:
                self.report.problem(where, "it does not follow the one before it")
            previous = sha256(statement)
            signature = seal.get("public_signature")
            signed = self.is_signed(signature, statement)
            if signature and not signed:
                self.report.problem(where, "its signature is wrong")
            if self.anchors.pop(number, previous) != previous:
                self.report.problem(where, "it is not the one that was kept elsewhere")
            self.learn(where, said, runs, kind)
        if not signed:
            self.report.problem(f"seal {number}", "the last one is not signed")
        for lost in sorted(self.anchors):
            self.report.problem(f"seal {lost}", "it was kept elsewhere, and is not here")
        for found in self.kinds.values():
            found.sort()

    def learn(self, where: str, said: dict[str, Any], runs: list[Run], kind: Runs) -> None:
        """Check that a seal was made of `runs`."""
        lines = (f"{run.writer} {run.first} {run.last} {run.digest}\n" for run in runs)
        if sha256("".join(lines).encode()) != said.get("digest"):
            self.report.problem(where, "its runs are not those that it was made of")
        for run in runs:
            if run.leaves and sha256(bytes.fromhex(run.leaves)) != run.digest:
                self.report.problem(str(run), "its leaves are not those that were sealed")
            kind.add(run)

    def entries(self) -> None:
        """Check each entry, and that those of a run are those that were sealed."""
        run, seen = None, set()
        writer, last = None, 0
        for number, line in enumerate(self.bundle.lines("entries.jsonl"), start=1):
            where = f"line {number} of entries.jsonl"
            try:
                entry = parse(line)
                leaf, place = str(entry["leaf"]), (entry["writer"], entry["sequence"])
                if not LEAF.fullmatch(leaf) or not isinstance(place[1], int):
                    raise ValueError("no leaf, or no number")
            except (ValueError, KeyError) as error:
                self.report.problem(where, f"it cannot be read: {error!r}")
                continue
            where = f"{where} (writer {place[0]}, entry {place[1]})"
            if place[0] != writer:
                if place[0] in seen:
                    self.report.problem(where, "it does not stand with the others of its writer")
                seen.add(place[0])
                writer, last = place[0], 0
            elif place[1] <= last:
                self.report.problem(where, "it is doubled, or out of order")
                continue
            last = place[1]
            found = self.sealed.find(*place)
            self.entry(where, entry, leaf, found)
            if run is not found and run is not None:
                run.finish(self.pruned, self.report)
            run = found
            if run is not None:
                run.take(place[1], leaf, self.pruned)
        if run is not None:
            run.finish(self.pruned, self.report)

    def entry(self, where: str, entry: dict[str, Any], leaf: str, run: Run | None) -> None:
        """Check what an entry says against its leaf."""
        counts = self.report.counts
        if len(entry) == 3:
            counts["withheld"] += 1
            return
        counts["shown"] += 1
        counts["unsealed"] += run is None
        content = {k: v for k, v in entry.items() if k not in ("leaf", "signature")}
        try:
            if sha256(canonical(content)) == leaf:
                return
        except UnicodeEncodeError:
            pass
        erased = self.erased.find(entry["writer"], entry["sequence"])
        if erased is not None and erased.leaf(entry["sequence"]) == leaf and not entry["salt"]:
            counts["erased"] += 1
        else:
            self.report.problem(where, "it does not say what it said when it was sealed")

    def untouched(self, complete: bool) -> None:
        """Look at the runs of which no entry is in the bundle."""
        for run in self.sealed:
            if not run.is_shown:
                run.skip_to(run.last + 1, self.pruned)
                # Without any missing, all were pruned.
                self.report.counts["runs elsewhere"] += bool(run.missing)
                if complete and run.missing:
                    run.finish(self.pruned, self.report)


def anchored(paths: list[Path]) -> dict[int, str]:
    """Return the hash of each seal that was kept elsewhere, by its number."""
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines() if line]
    return {seal["number"]: seal["hash"] for seal in map(parse, lines)}


def main(arguments: list[str] | None = None) -> int:
    """Check what the command line names, and return the exit status."""
    parser = argparse.ArgumentParser(description="Check a bundle of evidence.")
    parser.add_argument("bundle", type=Path, nargs="?", default=Path(__file__).parent)
    parser.add_argument("--public-key", type=Path, action="append", required=True)
    parser.add_argument("--anchor", type=Path, action="append", default=[])
    options = parser.parse_args(arguments)
    try:
        keys = [read_key(path.read_text("utf-8")) for path in options.public_key]
        anchors = anchored(options.anchor)
        if not options.bundle.exists():
            raise CannotCheckError(f"{options.bundle} is not there.")
    except (CannotCheckError, OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    report = "The bundle is damaged or cut off"
    try:
        problems = Check(Bundle(options.bundle), keys, anchors).run()
    except DAMAGE as error:
        sys.stdout.write(f"WRONG  {report}: {error}\n")
        return 1
    sys.stdout.write("Everything holds.\n" if not problems else f"Problems: {problems}.\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

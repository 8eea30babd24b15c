"""Bundles of evidence, and the verifier as an auditor runs it: Python alone, nothing of ours."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from contextlib import redirect_stderr, redirect_stdout

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.management import call_command

from django_authaudit.integrity import verify_bundle

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ANOTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def pem(key=KEY):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key=KEY):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


UNSIGNED = "manifest.json: its signature is wrong"


class Bundle:
    """An unpacked bundle, to be tampered with and verified."""

    def __init__(self, folder):
        self.folder = folder / "bundle"
        self.key = folder / "seal.pem"
        self.key.write_bytes(public_pem())
        self.covered_up = False

    @classmethod
    def of(cls, folder, *arguments):
        """Export a bundle as the command does, and unpack it."""
        bundle = cls(folder)
        path = folder / "bundle.zip"
        call_command(
            "export_audit_log", "--evidence", f"--output={path}", *arguments, stdout=io.StringIO()
        )
        with zipfile.ZipFile(path) as archive:
            archive.extractall(bundle.folder)
        bundle.archive = path
        return bundle

    def verify(self, *arguments, place=None, key=None):
        """Run the verifier in this process: (status, lines)."""
        said = io.StringIO()
        with redirect_stdout(said), redirect_stderr(said):
            status = verify_bundle.main(
                [str(place or self.folder), f"--public-key={key or self.key}", *arguments]
            )
        return status, said.getvalue().splitlines()

    def verify_alone(self):
        """Run the verifier that lies in the bundle, which sees no package: (status, lines)."""
        command = [sys.executable, "-I", "-S", "verify_bundle.py", f"--public-key={self.key}"]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, env={}, check=False
        )
        return done.returncode, (done.stdout + done.stderr).splitlines()

    def wrong(self, *arguments, **options):
        """Return what the verifier calls wrong, which ends it with status 1.

        A manifest that was made to fit is found each time; here it is what else is found.
        """
        status, lines = self.verify(*arguments, **options)
        found = [line.removeprefix("WRONG  ") for line in lines if line.startswith("WRONG")]
        assert (status, bool(found)) == (1, True), lines
        if self.covered_up:
            found.remove(UNSIGNED)
        return found

    def lines(self, name):
        return (self.folder / name).read_text("utf-8").splitlines()

    def change(self, name, lines, *, cover_up=True):
        """Replace the lines of a file, as one who also makes the manifest fit, but has no key."""
        text = "".join(f"{line}\n" for line in lines)
        (self.folder / name).write_text(text, "utf-8")
        if cover_up:
            self.edit_manifest(files={**self.manifest()["files"], name: sha256(text)})

    def manifest(self):
        return json.loads((self.folder / "manifest.json").read_text("utf-8"))

    def edit_manifest(self, **values):
        """Change the manifest, which cannot be signed again."""
        self.covered_up = True
        manifest = {**self.manifest(), **values}
        text = json.dumps(manifest)
        (self.folder / "manifest.json").write_text(text, "utf-8")
        sums = {**manifest["files"], "manifest.json": sha256(text)}
        lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        (self.folder / "SHA256SUMS").write_text(lines, "utf-8")

    def entries(self):
        return [json.loads(line) for line in self.lines("entries.jsonl")]

    def change_entries(self, entries, **counts):
        """Replace the entries, and have the manifest count them."""
        self.change("entries.jsonl", [json.dumps(entry) for entry in entries])
        shown = sum(len(entry) > 3 for entry in entries)
        self.edit_manifest(**{"shown": shown, "withheld": len(entries) - shown, **counts})


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def with_true_leaf(entry):
    """Return `entry` with the leaf that its content has, as a forger computes it."""
    content = {k: v for k, v in entry.items() if k not in ("leaf", "signature")}
    return {**entry, "leaf": hashlib.sha256(verify_bundle.canonical(content)).hexdigest()}

"""`verify_audit_log`: what is wrong is named, and the exit status tells."""

import io
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command

from django_authaudit.integrity import writers
from django_authaudit.models import AuditLog
from tests.integrity.log import SEALS, add, change, delete, seal, sql
from tests.management.test_seal_audit_log import pem, public_pem

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fresh_writers(monkeypatch):
    """Begin with no writer: what other tests have numbered was rolled back."""
    monkeypatch.setattr(writers, "_idle", [])


def run(*arguments, **options):
    """Run the command: (status, what was printed, what was complained of)."""
    out = options.pop("out", None) or io.StringIO()
    try:
        call_command("verify_audit_log", *arguments, stdout=out, **options)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def last_event():
    row = AuditLog.objects.order_by("pk").last()
    assert row.metadata.pop("command") == "verify_audit_log"
    return row.event, row.outcome, row.metadata


def test_a_clean_log_is_status_zero():
    add(3)
    seal()

    assert run() == (
        0,
        "Entries verified: 3 (3 sealed, 0 pending, 0 late, 0 erased). Pruned: 0. Lost: 0. "
        "Seals: 1.\n",
        "",
    )
    assert last_event() == ("audit.verified", "success", {"entries": 3, "seals": 1})
    assert run(verbosity=0) == (0, "", "")


def test_each_finding_is_named_and_the_run_recorded():
    entries = add(5, username="bob")
    seal()
    change(entries[0], "username", "eve")
    delete(entries[2])

    status, out, err = run()

    edited, missing, summary = out.splitlines()
    writer = entries[0].writer
    time = entries[0].created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert edited == f"edited: entry {entries[0].id}, writer {writer} number 1, {time}"
    assert missing.startswith(f"missing: writer {writer} number 3, 20")
    assert summary.startswith("Entries verified: 4 ")
    assert (status, err) == (1, "The log is not as it was written: 1 edited, 1 missing.")
    event, outcome, metadata = last_event()
    assert (event, outcome) == ("audit.tampering_detected", "failure")
    assert metadata["problems"] == {"edited": 1, "missing": 1}


def test_machines_get_an_object_a_line():
    entries = add(3)
    seal()
    delete(entries[1])

    status, out, _ = run("--json")

    missing, summary = map(json.loads, out.splitlines())
    assert status == 1
    assert (missing["kind"], missing["first"], missing["last"]) == ("missing", 2, 2)
    assert missing["writer"] == str(entries[0].writer)
    assert summary["summary"]["problems"] == {"missing": 1}


def test_it_leaves_no_entry_if_asked_to():
    run("--no-record")

    assert not AuditLog.objects.exists()


def test_the_anchor_is_compared(tmp_path):
    path = tmp_path / "anchor"
    call_command("seal_audit_log", anchor=path, verbosity=0)
    call_command("seal_audit_log", anchor=path, verbosity=0)
    assert run("--anchor", str(path))[0] == 0
    sql(f"DELETE FROM {SEALS} WHERE number = 2")

    status, out, _ = run("--anchor", str(path))

    assert status == 1
    assert "older backup restored: seal 2: the log ends at seal 1, and the anchor knows 2" in out
    assert "seal missing: seal 2: entries of the log tell of them" in out


def test_the_public_key_is_read_from_its_file(settings, tmp_path):
    key = Ed25519PrivateKey.generate()
    settings.AUTHAUDIT_SEAL_KEY = pem(key)
    add(1)
    seal()
    path = tmp_path / "public.pem"
    path.write_bytes(public_pem(key))
    assert run("--public-key", str(path))[0] == 0
    path.write_bytes(public_pem(Ed25519PrivateKey.generate()))
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}
    assert run("--public-key", str(path))[0] == 1


def test_only_what_is_newer_is_verified_if_asked_for():
    entries = add(1)
    change(entries[0], "username", "eve")

    assert run("--since", "2999-01-01")[0] == 0
    assert run("--since", "2001-01-01")[0] == 1


@pytest.mark.parametrize("option", ["--anchor", "--public-key"])
def test_a_file_that_is_not_there_or_wrong_is_status_two(tmp_path, option):
    status, _, err = run(option, str(tmp_path / "nowhere"))
    assert (status, "No such file" in err) == (2, True)

    (tmp_path / "wrong").write_text("{}\n")
    assert run(option, str(tmp_path / "wrong"))[0] == 2


def test_ctrl_c_is_status_two(monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr("django_authaudit.verification.Verification.problems", interrupt)

    assert run() == (2, "", "Stopped before the end.")


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_sees_how_far_it_is():
    entries = add(3)
    delete(entries[1])
    out = Terminal()

    run(out=out)

    assert "\r\x1b[KEntries verified: 2\r\x1b[K" in out.getvalue()
    assert out.getvalue().count("missing:") == 1

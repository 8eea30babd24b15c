"""`seal_audit_log`: the log is sealed, and the seal leaves the database."""

import io
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from django.core.management import CommandError, call_command

from django_authaudit import record
from django_authaudit.exceptions import KeyUnusableError
from django_authaudit.integrity import anchors, ed25519, seals
from django_authaudit.models import AuditLog, AuditSeal
from django_authaudit.testing import capture_entries

pytestmark = pytest.mark.django_db


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def run(*arguments, **options):
    out = io.StringIO()
    call_command("seal_audit_log", *arguments, stdout=out, **options)
    return out.getvalue()


def fails(*arguments):
    with pytest.raises(CommandError) as failure:
        run(*arguments)
    assert failure.value.returncode == 2
    return str(failure.value)


def test_it_says_what_it_sealed():
    record("auth.logout", username="bob")

    assert run() == "Seal 1 made. Entries sealed: 1.\n"
    assert run() == "Seal 2 made. Entries sealed: 1.\n"
    assert run(verbosity=0) == ""
    assert AuditSeal.objects.count() == 3


def test_every_sink_gets_the_seal_as_an_entry():
    with capture_entries() as entries:
        run()

    [entry] = entries
    made = AuditSeal.objects.get()
    assert (entry.event, entry.metadata["number"]) == ("audit.sealed", 1)
    assert entry.metadata["seal"] == seals.to_line(made)
    assert AuditLog.objects.get().metadata["seal"] == seals.to_line(made)


def test_the_anchor_gets_it_too(tmp_path):
    path = tmp_path / "anchor"

    run("--anchor", str(path))
    run("--anchor", str(path))

    assert [found.number for found in anchors.read(path)] == [1, 2]


def test_an_anchor_that_cannot_be_written_is_status_two_and_made_up_for(tmp_path):
    assert "Is a directory" in fails("--anchor", str(tmp_path))
    run("--anchor", str(tmp_path / "anchor"))

    assert [found.number for found in anchors.read(tmp_path / "anchor")] == [1, 2]


def test_with_a_key_pair_the_public_half_is_enough_to_check(settings):
    key = Ed25519PrivateKey.generate()
    settings.AUTHAUDIT_SEAL_KEY = pem(key)

    run()

    made = AuditSeal.objects.get()
    public = ed25519.public_key(run("--public-key").encode())
    assert ed25519.is_signed(public, made.public_signature, made.statement.encode())
    assert not ed25519.is_signed(public, made.public_signature, b"other")
    assert not ed25519.is_signed(public, "none", made.statement.encode())
    assert json.loads(seals.to_line(made))["public_signature"] == made.public_signature


def test_without_a_key_pair_there_is_no_public_half():
    assert fails("--public-key") == "AUTHAUDIT_SEAL_KEY is not set."


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("secret", "no private key in PEM"),
        (5, "no private key in PEM"),
        (pem(X25519PrivateKey.generate()), "none of Ed25519"),
    ],
)
def test_a_wrong_key_seals_nothing(settings, key, reason):
    settings.AUTHAUDIT_SEAL_KEY = key

    assert reason in fails()
    assert not AuditSeal.objects.exists()


def test_a_public_key_has_to_be_one():
    with pytest.raises(KeyUnusableError, match="no public key"):
        ed25519.public_key(b"x")
    with pytest.raises(KeyUnusableError, match="none of Ed25519"):
        ed25519.public_key(public_pem(X25519PrivateKey.generate()))


def test_without_cryptography_it_says_what_to_install(settings, monkeypatch):
    settings.AUTHAUDIT_SEAL_KEY = "x"
    for name in ("serialization", "asymmetric"):
        monkeypatch.setitem(
            __import__("sys").modules, f"cryptography.hazmat.primitives.{name}", None
        )

    assert "install django-authaudit[ed25519]" in fails()

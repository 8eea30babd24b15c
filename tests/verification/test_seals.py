"""Keys that had their time, silence, and what a public key alone can tell."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from django_authaudit.formats.base import iso_time
from django_authaudit.integrity import ed25519, erasures, seals
from django_authaudit.integrity.canonical import canonical
from django_authaudit.integrity.keys import signing_key
from django_authaudit.models import AuditSeal
from django_authaudit.verification import Verification
from django_authaudit.verification.stretches import without, without_all
from tests.integrity.log import RUNS, SEALS, add, change, delete, place, seal, sql
from tests.management.test_seal_audit_log import pem

pytestmark = pytest.mark.django_db
OLD = {"old": "o" * 32}
BOTH = {"new": "n" * 32, **OLD}
BACK = {**OLD, "new": "n" * 32}


def seal_at(moment):
    """Seal, as if it were `moment`."""
    [statement] = seal()
    before = AuditSeal.objects.filter(number=statement["number"] - 1).first()
    statement["created_at"] = statement["until"] = iso_time(moment)
    statement["previous"] = seals.hash_of(before) if before else ""
    text = canonical(statement)
    sql(
        f"UPDATE {SEALS} SET statement = %s, signature = %s WHERE number = %s",
        text.decode(),
        signing_key().sign(seals.PURPOSE, text),
        statement["number"],
    )


def ago(**period):
    return datetime.now(timezone.utc) - timedelta(**period)


@pytest.fixture
def patient(settings):
    """Let long silence pass."""
    settings.AUTHAUDIT_SEAL_HOURS = 10_000


def test_an_old_key_signs_nothing_new(verify, settings, patient):
    settings.AUTHAUDIT_SIGNING_KEYS = OLD
    add(2)
    seal_at(ago(days=9))
    settings.AUTHAUDIT_SIGNING_KEYS = BOTH
    seal_at(ago(days=8))
    settings.AUTHAUDIT_SIGNING_KEYS = BACK
    add(1)
    settings.AUTHAUDIT_SIGNING_KEYS = BOTH
    assert verify() == [("forged", 1, None)]

    add(1)
    assert verify() == [("forged", 1, None)]

    # A seal that comes first lets it pass, for it may be as old; none that comes later does.
    seal_at(ago(days=5))
    seal_at(ago(days=4))
    assert verify() == []
    settings.AUTHAUDIT_SIGNING_KEYS = BACK
    add(3)
    settings.AUTHAUDIT_SIGNING_KEYS = BOTH
    seal()
    assert verify() == [("forged", number, None) for number in (1, 2, 3)]


def test_an_old_key_seals_nothing_new(verify, settings, patient):
    settings.AUTHAUDIT_SIGNING_KEYS = OLD
    add(2)
    seal_at(ago(days=9))
    settings.AUTHAUDIT_SIGNING_KEYS = BOTH
    seal_at(ago(days=8))
    seal_at(ago(days=2))
    settings.AUTHAUDIT_SIGNING_KEYS = BACK
    seal_at(ago(days=8))
    settings.AUTHAUDIT_SIGNING_KEYS = BOTH

    # It says that it is of the time of the old key, but the chain knows better.
    assert verify() == [("seal broken", 4, None)]


def test_to_go_back_to_a_key_is_allowed(verify, settings, patient):
    settings.AUTHAUDIT_SIGNING_KEYS = OLD
    add(1)
    seal_at(ago(days=9))
    settings.AUTHAUDIT_SIGNING_KEYS = BOTH
    add(1)
    seal_at(ago(days=7))
    settings.AUTHAUDIT_SIGNING_KEYS = BACK
    add(1)
    seal_at(ago(days=5))
    add(1)
    seal()

    assert verify() == []


def test_that_sealing_has_stopped_is_found(verify):
    seal_at(ago(hours=26))

    assert verify() == [("sealing stopped", None, None)]
    [problem] = Verification(using="default").problems()
    assert str(problem).startswith("sealing stopped: none from 20")


def test_that_sealing_had_stopped_is_found_later(verify):
    seal_at(ago(hours=50))
    seal_at(ago(hours=2))
    seal()

    assert verify() == [("sealing stopped", None, None)]


def test_a_seal_that_follows_another_is_found(verify):
    seal()
    seal()
    seal()
    made = AuditSeal.objects.get(number=2)
    text = made.statement.replace('"previous":"', '"previous":"0')
    sql(
        f"UPDATE {SEALS} SET statement = %s, signature = %s WHERE number = 2",
        text,
        signing_key().sign(seals.PURPOSE, text.encode()),
    )

    assert verify() == [("seal broken", 2, None), ("seal broken", 3, None)]


@pytest.fixture
def key_pair(settings):
    """Have seals be signed by a key pair, and return the public half."""
    key = Ed25519PrivateKey.generate()
    settings.AUTHAUDIT_SEAL_KEY = pem(key)
    return ed25519.public_key(ed25519.public_pem().encode())


def test_the_public_key_alone_is_enough(verify, settings, key_pair, entries):
    seal()
    add(2)
    settings.AUTHAUDIT_SIGNING_KEYS = {"the auditor has none": "x" * 32, "a": "x" * 32}
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}

    assert verify(public_key=key_pair) == []
    assert (verify.summary.sealed, verify.summary.pending) == (5, 2)

    change(entries[1], "username", "eve")
    delete(entries[3])
    assert verify(public_key=key_pair) == [("edited", 2, None), ("missing", 4, 4)]


def test_with_the_public_key_alone_an_erased_entry_is_no_finding(
    verify, settings, key_pair, entries
):
    seal()
    erase(entries[1])
    erase(entries[2], record=False)
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}

    assert verify(public_key=key_pair) == [("edited", 3, None)]
    assert verify.summary.erased == 1

    change(entries[1], "leaf", entries[0].leaf)
    assert verify(public_key=key_pair) == [("edited", 2, None), ("edited", 3, None)]


def test_with_the_public_key_alone_an_edit_is_no_erasure(verify, settings, key_pair, entries):
    seal()
    erasures.record([place(entries[1])], using="default")
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}

    change(entries[1], "username", "eve")
    assert verify(public_key=key_pair) == [("edited", 2, None)]
    change(entries[1], "signature", f"{entries[1].signature}:a:b")
    assert verify(public_key=key_pair) == [("edited", 2, None)]


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the others check what they store")
def test_with_the_public_key_alone_what_has_no_number_is_found(
    verify, settings, key_pair, entries
):
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}
    change(entries[1], "sequence", "two")

    assert verify(public_key=key_pair) == [("edited", None, None), ("missing", 2, 2)]


@pytest.mark.parametrize("leaves", ["", "x", "0" * 64])
def test_leaves_of_erased_entries_that_were_edited_vouch_for_nothing(verify, entries, leaves):
    erase(entries[1])
    assert verify() == []

    sql(f"UPDATE {RUNS} SET leaves = %s", leaves)
    assert verify() == [("edited", 2, None)]


def erase(entry, *, record=True):
    remains = erasures.seal_remains(entry, replace(entry, username=""))
    for column in ("username", "salt", "signature"):
        change(entry, column, getattr(remains, column))
    if record:
        erasures.record([place(remains)], using="default")


def test_with_the_public_key_a_seal_by_the_secret_alone_is_none(verify, settings, key_pair):
    seal()
    seal()
    sql(f"UPDATE {SEALS} SET public_signature = '' WHERE number = 2")

    assert verify(public_key=key_pair) == [("seal broken", 2, None)]
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}
    assert verify(public_key=key_pair) == [("seal broken", 2, None)]


def test_seals_from_before_there_was_a_key_pair_count_with_the_secret(verify, settings):
    seal()
    settings.AUTHAUDIT_SEAL_KEY = pem(Ed25519PrivateKey.generate())
    public = ed25519.public_key(ed25519.public_pem().encode())
    seal()

    assert verify(public_key=public) == []
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}
    assert verify(public_key=public) == [("seal broken", 1, None)]


def test_another_public_key_believes_nothing(verify, settings, key_pair):
    seal()
    settings.AUTHAUDIT_SIGNING_KEYS = {"auditor": "x" * 32}
    settings.AUTHAUDIT_SEAL_KEY = pem(Ed25519PrivateKey.generate())
    other = ed25519.public_key(ed25519.public_pem().encode())

    assert verify(public_key=other) == [("seal broken", 1, None)]


def test_what_is_left_of_a_stretch():
    others = [(7, 8), (1, 2), (4, 4), (20, 30)]
    assert list(without((1, 10), others)) == [(3, 3), (5, 6), (9, 10)]
    assert list(without((1, 2), others)) == []
    assert list(without((11, 12), others)) == [(11, 12)]
    assert without_all([(1, 3), (25, 40)], others) == [(3, 3), (31, 40)]

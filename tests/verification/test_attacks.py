"""Whatever is done to the log behind its back is named."""

from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import connection

from django_authaudit.integrity import anchors, erasures, keys, prunes, writers
from django_authaudit.integrity.leaf import PURPOSE, content_of, leaf_of
from django_authaudit.models import AuditLog, AuditSeal, SealedRun
from tests.integrity.log import (
    RUNS,
    SEALS,
    TABLE,
    add,
    change,
    delete,
    make,
    place,
    raw,
    seal,
    sql,
)

pytestmark = pytest.mark.django_db
COLUMNS = [field.column for field in AuditLog._meta.concrete_fields]


def test_a_log_that_nobody_touched_is_clean(verify, entries):
    seal()
    add(2)

    assert verify() == []
    assert (verify.summary.entries, verify.summary.sealed, verify.summary.pending) == (7, 5, 2)


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("column", [c for c in COLUMNS if c not in ("writer", "sequence", "id")])
def test_an_edited_column_is_found(verify, entries, column, sealed):
    if sealed:
        seal()
    values = {"user_id": 7, "actor_id": 7, "outcome": "failure", "metadata": '{"a": 1}'}
    values |= {"created_at": "2026-01-01 00:00:00", "ip_address": "10.0.0.1"}
    change(entries[2], column, values.get(column, "x"))

    kind = "forged" if column in ("leaf", "signature") else "edited"
    assert verify() == [(kind, 3, None)]


def test_an_entry_under_another_number_is_found(verify, entries):
    change(entries[2], "sequence", 9)

    assert verify() == [("edited", 9, None), ("missing", 3, 3)]


def test_an_entry_under_anothers_number_is_found(verify, entries):
    change(entries[2], "sequence", 4)

    found = verify()

    assert sorted(found, key=str) == [
        ("duplicated", 4, 4),
        ("edited", 4, None),
        ("missing", 3, 3),
    ]


def test_an_entry_of_another_writer_is_found(verify, entries):
    seal()
    change(entries[2], "writer", raw(make().id))

    assert sorted(verify(), key=str) == [("edited", 3, None), ("missing", 3, 3)]


def test_an_entry_without_a_writer_is_found(verify, entries):
    seal()
    change(entries[2], "writer", None)

    assert verify() == [("edited", 3, None), ("missing", 3, 3)]


def test_an_entry_under_another_id_is_found(verify, entries):
    change(entries[2], "id", raw(make().id))

    assert verify() == [("edited", 3, None)]


def test_two_entries_that_changed_places_are_found(verify, entries):
    change(entries[1], "sequence", 99)
    change(entries[2], "sequence", 2)
    change(entries[1], "sequence", 3)

    assert verify() == [("edited", 2, None), ("edited", 3, None)]


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("sealed", [True, False])
def test_each_deleted_entry_is_found(verify, entries, number, sealed):
    if sealed:
        seal()
    delete(entries[number - 1])

    if number < 5:
        assert verify() == [("missing", number, number)]
    else:
        # The last one leaves no gap, so it takes a seal to miss it.
        assert verify() == ([("tail cut", 5, 5)] if sealed else [])


def test_each_pair_of_deleted_entries_is_found(verify):
    for first in range(1, 5):
        for second in range(first + 1, 6):
            entries = add(6)
            delete(entries[first - 1], entries[second - 1])
            holes = (
                [(first, second)] if second == first + 1 else [(first, first), (second, second)]
            )
            assert [found[1:] for found in verify()] == holes
            delete(*entries)


def test_a_cut_tail_is_found(verify, entries):
    seal()
    delete(*entries[2:])

    assert verify() == [("tail cut", 3, 5)]


def test_all_entries_of_a_writer_are_missed(verify, entries):
    add(2)
    seal()
    delete(*entries)

    assert verify() == [("missing", 1, 5)]


def test_an_emptied_table_is_one_finding(verify, entries):
    add(3)
    seal()
    sql(f"DELETE FROM {TABLE}")

    assert verify() == [("table emptied", None, None)]
    add(2)
    assert verify() == [("table emptied", None, None)]


def test_deleting_what_is_old_without_a_record_is_called_so(verify, entries):
    seal()
    delete(*entries)
    sql(f"UPDATE {SEALS} SET number = number")
    later = add(3)
    seal()

    assert verify() == [("pruned without a record", 1, 5)]
    delete(later[0])
    assert ("missing", 1, 1) in verify()


def test_a_forged_entry_is_found(verify, entries):
    AuditLog(
        event="auth.login.success", outcome="success", created_at=entries[0].created_at
    ).save()

    assert verify() == [("forged", 0, None)]


def test_a_forged_entry_with_the_next_number_is_found(verify, entries):
    forged = make(event="auth.login.success", writer=entries[0].writer, sequence=6, salt="0" * 32)
    AuditLog(
        **{**vars(forged), "leaf": entries[0].leaf, "signature": entries[0].signature},
        created_at=forged.created_at,
    ).save()

    assert verify() == [("edited", 6, None)]


def test_a_copy_of_an_entry_is_found(verify, entries):
    values = {**vars(entries[4]), "id": make().id}
    AuditLog(**values, created_at=entries[4].created_at).save()

    assert sorted(verify()) == [("duplicated", 5, 5), ("edited", 5, None)]


def test_a_signature_by_an_unknown_key_is_found(verify, settings, entries):
    settings.AUTHAUDIT_SIGNING_KEYS = {"mine": "m" * 32}

    assert verify() == [("forged", number, None) for number in range(1, 6)]


def test_one_fault_hides_no_other(verify):
    first, second, third = add(5), add(5), add(5)
    seal()
    change(first[0], "username", "eve")
    delete(second[1])
    delete(third[4])
    change(third[0], "signature", "")
    sql(f"UPDATE {SEALS} SET public_signature = 'x', signature = ''")

    kinds = sorted(kind for kind, *_ in verify())

    # Without its seal the cut tail leaves no trace.
    assert kinds == ["edited", "forged", "missing", "seal broken"]


def test_a_seal_that_was_edited_is_found(verify, entries):
    seal()
    made = AuditSeal.objects.get()
    for column, value in (
        ("statement", made.statement.replace('"count":5', '"count":4')),
        ("statement", "["),
        ("statement", "[]"),
        ("statement", "[" * 9999),
        ("signature", made.signature[:-1]),
        ("kind", "pruned"),
    ):
        sql(f"UPDATE {SEALS} SET {column} = %s", value)
        assert verify() == [("seal broken", 1, None)]
        sql(f"UPDATE {SEALS} SET {column} = %s", getattr(made, column))
    assert verify() == []


@pytest.mark.parametrize("change_", ["first = 2", "last = 4", "digest = 'x'", "writer = %s"])
def test_a_run_that_was_edited_is_found(verify, entries, change_):
    seal()
    sql(f"UPDATE {RUNS} SET {change_}", *([raw(make().id)] if "%s" in change_ else []))

    assert verify() == [("seal broken", 1, None)]


def test_a_run_that_was_added_or_deleted_is_found(verify, entries):
    seal()
    run = SealedRun.objects.get()
    SealedRun(seal=run.seal, writer=run.writer, first=6, last=7, digest=run.digest).save()
    assert verify() == [("seal broken", 1, None)]
    sql(f"DELETE FROM {RUNS}")
    assert verify() == [("seal broken", 1, None)]


def test_a_run_of_no_seal_says_nothing(verify, entries):
    SealedRun(seal_id=77, writer=entries[0].writer, first=6, last=7, digest="x").save()

    assert verify() == []


def test_a_missing_seal_is_found(verify, entries):
    for _ in range(4):
        seal()
    sql(f"DELETE FROM {SEALS} WHERE number IN (2, 3)")

    assert verify() == [("seal missing", 2, 3)]
    sql(f"DELETE FROM {SEALS} WHERE number = 1")
    assert verify() == [("seal missing", 1, 3)]


def test_a_seal_out_of_another_log_is_found(verify, entries):
    seal()
    others = AuditSeal.objects.get()
    sql(f"DELETE FROM {SEALS}")
    sql(f"DELETE FROM {RUNS}")
    add(1)
    seal()
    seal()
    sql(f"DELETE FROM {SEALS} WHERE number = 1")
    sql(f"DELETE FROM {RUNS}")
    others.pk, others._state.adding = 1, True
    others.save()

    assert ("seal broken", 1, None) in verify()


def test_seals_that_the_log_tells_of_are_missed(verify):
    add(3)
    for _ in range(3):
        call_command("seal_audit_log", verbosity=0)
    sql(f"DELETE FROM {RUNS}")
    sql(f"DELETE FROM {SEALS}")

    assert verify() == [("seal missing", 1, 3)]


def test_a_relabelled_prune_excuses_nothing(verify, entries):
    seal()
    delete(entries[1])
    prunes.record([place(entries[1])], using="default")
    assert verify() == []

    delete(entries[2])
    sql(f"UPDATE {RUNS} SET last = 3 WHERE seal_id = 2")
    assert verify() == [("seal broken", 2, None), ("missing", 2, 3)]


def test_a_deletion_cannot_be_passed_off_as_a_prune(verify, entries):
    seal()
    statement = AuditSeal.objects.get().statement
    delete(entries[1])
    AuditSeal(number=2, kind="pruned", statement=statement, signature="").save()
    SealedRun(seal_id=2, writer=entries[0].writer, first=2, last=2, digest="x").save()

    assert verify() == [("seal broken", 2, None), ("missing", 2, 2)]


def test_pruning_is_no_finding_and_takes_nothing_else_along(verify, entries):
    seal()
    gone = [entries[0], entries[3]]
    delete(*gone)
    prunes.record([place(entry) for entry in gone], using="default")
    assert verify() == []
    assert (verify.summary.pruned, verify.summary.sealed) == (2, 3)

    delete(entries[4])
    assert verify() == [("tail cut", 5, 5)]
    delete(entries[1])
    assert verify() == [("missing", 2, 2), ("tail cut", 5, 5)]


def test_an_edit_before_pruning_is_found_by_the_seal_of_the_run(verify, entries):
    # Whoever has the key can sign an entry anew, and is found by the seal all the same.
    seal()
    sign_anew(entries[1], username="eve")
    assert verify() == [("edited", 1, 5)]

    delete(entries[1])
    prunes.record([(entries[1].writer, 2, "0" * 64)], using="default")
    assert verify() == [("edited", 1, 5)]


def test_what_was_pruned_whole_has_to_be_what_was_sealed(verify, entries):
    seal()
    delete(*entries)
    prunes.record([(e.writer, e.sequence, "0" * 64) for e in entries], using="default")

    assert verify() == [("edited", 1, 5)]


def test_a_pruned_entry_that_comes_back_is_found(verify, entries):
    seal()
    delete(entries[1])
    prunes.record([place(entries[1])], using="default")
    AuditLog(**vars(entries[1]), created_at=entries[1].created_at).save()

    assert verify() == [("forged", 2, None)]


def sign_anew(entry, **values):
    """Edit `entry` as somebody would who has the key."""
    edited = replace(entry, **values)
    leaf = leaf_of(content_of(edited))
    signature = keys.signing_key().sign(PURPOSE, bytes.fromhex(leaf))
    for column, value in {**values, "leaf": leaf, "signature": signature}.items():
        change(entry, column, value)


@pytest.fixture
def anchor(tmp_path):
    path = tmp_path / "anchor"

    def extend():
        anchors.extend(path, "default")
        return list(anchors.read(path))

    return extend


def test_an_older_backup_is_found_with_the_anchor(verify, entries, anchor):
    seal()
    anchor()
    later = add(2)
    seal()
    anchored = anchor()
    delete(*later)
    sql(f"DELETE FROM {RUNS} WHERE seal_id = 2")
    sql(f"DELETE FROM {SEALS} WHERE number = 2")

    assert verify() == []
    assert verify(anchored=anchored) == [("older backup restored", 2, 2)]


def test_a_log_that_began_anew_is_found_with_the_anchor(verify, entries, anchor):
    seal()
    anchored = anchor()
    for table in (TABLE, SEALS, RUNS):
        sql(f"DELETE FROM {table}")

    assert verify(anchored=anchored) == [("table emptied", None, None)]
    add(1)
    seal()
    assert verify(anchored=anchored) == [("seal broken", 1, None)]


def test_an_anchored_seal_that_is_gone_is_named_once(verify, entries, anchor):
    seal()
    seal()
    seal()
    anchored = anchor()
    sql(f"DELETE FROM {SEALS} WHERE number = 2")

    assert verify(anchored=anchored) == [("seal missing", 2, 2)]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the others check what they store")
def test_every_byte_of_every_column_counts(verify):
    add(
        1,
        user_id=12,
        username="bob",
        email="b@x.example",
        actor_id=3,
        ip_address="10.0.0.1",
        user_agent="Moz",
        path="/a/",
        method="GET",
        metadata={"reason": "x", "n": [1, None]},
    )
    seal()
    sql("PRAGMA ignore_check_constraints = 1")
    as_text = ", ".join(f"CAST({column} AS TEXT)" for column in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {as_text} FROM {TABLE}")
        stored = dict(zip(COLUMNS, cursor.fetchone(), strict=True))
    flipped = 0
    for column, text in stored.items():
        for index in range(len(text or "")):
            for bit in (1, 2, 32):
                edited = text[:index] + chr(ord(text[index]) ^ bit) + text[index + 1 :]
                sql(f"UPDATE {TABLE} SET {column} = %s", edited)
                kinds = {kind for kind, *_ in verify()}
                assert kinds & {"edited", "forged"}, (column, text, edited)
                flipped += 1
        sql(f"UPDATE {TABLE} SET {column} = %s", text)
    assert verify() == []
    assert flipped > 1000


def test_a_second_process_under_the_name_of_a_writer_is_found(verify, entries):
    seal()
    impostor = writers.Writer()
    impostor.id = entries[0].writer
    add(2, impostor)

    assert verify() == [("duplicated", 1, 1), ("duplicated", 2, 2)]


def test_a_forged_excuse_excuses_nothing(verify, entries):
    delete(entries[1])
    numbers = {str(entries[0].writer): [[2, 2]]}
    forged = make(event="audit.write_failed", metadata={"numbers": numbers})
    AuditLog(**vars(forged), created_at=forged.created_at).save()

    assert sorted(verify()) == [("forged", 0, None), ("missing", 2, 2)]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the others check what they store")
def test_what_cannot_be_read_is_found_and_the_rest_is_read(verify, entries):
    seal()
    remains = erasures.seal_remains(entries[1], replace(entries[1], username=""))
    for column in ("username", "salt", "signature"):
        change(entries[1], column, getattr(remains, column))
    erasures.record([place(remains)], using="default")
    assert verify() == []

    sql(f"UPDATE {TABLE} SET username = CAST(X'ff41' AS TEXT) WHERE sequence IN (1, 2)")
    assert verify() == [("edited", 1, None), ("edited", 2, None)]
    sql(f"UPDATE {RUNS} SET writer = 'x' WHERE seal_id = 1")
    assert verify()[0] == ("seal broken", 1, None)


def test_however_many_gaps_there_are_each_is_named(verify, monkeypatch):
    monkeypatch.setattr("django_authaudit.verification.log._AT_ONCE", 2)
    for _ in range(4):
        entries = add(5)
        delete(entries[1], entries[3])

    assert verify() == [("missing", 2, 2), ("missing", 4, 4)] * 4

"""Pruning says, signed and in the transaction that deletes, what exactly it took."""

from uuid import UUID

import pytest
from django.db import DatabaseError, IntegrityError, connection

from django_authaudit import hardening, retention
from django_authaudit.entry import first_id_at
from django_authaudit.integrity import prunes, seals, writers
from django_authaudit.models import AuditLog, AuditSeal
from django_authaudit.verification import Verification
from tests.integrity.log import add, change, delete, runs, seal
from tests.management.rows import days_ago

pytestmark = pytest.mark.django_db
old_database = pytest.mark.skipif(
    "connection.vendor == 'postgresql'",
    reason="MySQL and old SQLite cannot return what they delete",
)
really_committed = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def old():
    """Return a function that stores signed entries of a hundred days ago."""
    start = first_id_at(days_ago(100)).int
    numbers = iter(range(start, start + 10_000))

    def store(count, writer=None):
        writer = writer or writers.Writer()
        return [add(1, writer, id=UUID(int=next(numbers)))[0] for _ in range(count)]

    return store


def prune(**options):
    return sum(batch.count for batch in retention.prune(days_ago(90), **options))


def pruned():
    """Return the number of entries that each seal of a pruning states."""
    made = AuditSeal.objects.filter(kind=AuditSeal.PRUNED).order_by("number")
    return [seals.statement_of(each)["count"] for each in made]


@pytest.mark.parametrize("way", ["table", "archive"])
def test_each_batch_names_exactly_what_it_took(old, way, tmp_path):
    entries = old(5)
    seal()

    archive = tmp_path if way == "archive" else None
    batches = retention.prune(days_ago(90), batch_size=2, archive=archive)
    counts = [batch.count for batch in batches if batch.count]

    assert pruned() == counts
    assert len(counts) >= 3
    assert [(first, last) for _, first, last in runs(AuditSeal.PRUNED)] == [
        (sum(counts[:place]) + 1, sum(counts[: place + 1])) for place in range(len(counts))
    ]
    assert {writer for writer, *_ in runs(AuditSeal.PRUNED)} == {entries[0].writer}


def test_what_somebody_deleted_before_is_not_named(old):
    entries = old(5)
    seal()
    delete(entries[2])

    assert prune() == 4

    writer = entries[0].writer
    assert runs(AuditSeal.PRUNED) == [(writer, 1, 2), (writer, 4, 5)]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the others check what they store")
@pytest.mark.parametrize("returning", [True, False])
@pytest.mark.parametrize(
    ("column", "value"),
    [("writer", "x"), ("writer", "x" * 32), ("sequence", "two"), ("leaf", b"x" * 64)],
)
def test_what_was_written_over_stops_no_pruning_and_is_missed(
    old, monkeypatch, column, value, returning
):
    monkeypatch.setattr(writers, "_idle", [])
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", returning)
    # As Django 5.2 has it: the one follows the other.
    follows = property(lambda features: features.can_return_columns_from_insert)
    name = "can_return_rows_from_bulk_insert"
    monkeypatch.setattr(type(connection.features), name, follows)
    entries = old(4)
    seal()
    change(entries[1], column, value)

    assert prune() == 4

    writer = entries[0].writer
    assert runs(AuditSeal.PRUNED) == [(writer, 1, 1), (writer, 3, 4)]
    (found,) = Verification(using="default").problems()
    assert found.detail == "1 sealed entries are gone"


def test_entries_that_stay_are_not_named(old):
    writer = writers.Writer()
    old(2, writer)
    add(1, writer)
    seal()

    prune()

    assert runs(AuditSeal.PRUNED) == [(writer.id, 1, 2)]


def test_a_run_that_takes_nothing_adds_no_seal():
    prune()

    assert not AuditSeal.objects.exists()


@really_committed
def test_what_cannot_be_named_is_not_deleted(old, monkeypatch):
    old(3)

    def fail(taken, **options):
        raise DatabaseError("out of luck")

    monkeypatch.setattr(prunes, "record", fail)
    with pytest.raises(DatabaseError, match="out of luck"):
        prune()
    assert AuditLog.objects.filter(event="auth.logout").count() == 3


@really_committed
def test_a_batch_is_tried_again_where_another_sealed_at_the_same_time(old, monkeypatch):
    old(3)
    seal()
    work = prunes.record
    failures = [IntegrityError("number is taken")]

    def collide(taken, **options):
        if failures:
            raise failures.pop()
        return work(taken, **options)

    monkeypatch.setattr(prunes, "record", collide)
    assert prune() == 3
    assert pruned() == [3]


@old_database
@really_committed
def test_without_returning_it_names_the_same(old, monkeypatch):
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    entries = old(5)
    seal()

    assert prune() == 5

    assert runs(AuditSeal.PRUNED) == [(entries[0].writer, 1, 5)]


@old_database
@really_committed
def test_without_returning_a_batch_is_tried_again_where_entries_appear_meanwhile(old, monkeypatch):
    monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)
    writer = writers.Writer()
    old(3, writer)
    late = []

    def be_late(execute, sql, params, many, context):
        if "DELETE FROM" in sql and not late:
            late.extend(old(1, writer))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(be_late):
        assert prune() == 3

    assert pruned() == [3]
    assert late


@really_committed
def test_a_hardened_log_is_pruned_and_sealed_and_its_seals_are_kept(old):
    old(3)
    hardening.enable("default")
    try:
        seal()
        assert prune() == 3
        for table in ("auditseal", "sealedrun"):
            with (
                pytest.raises(DatabaseError, match="only grows"),
                connection.cursor() as cursor,
            ):
                cursor.execute(f"DELETE FROM django_authaudit_{table}")
    finally:
        hardening.disable("default")
    assert pruned() == [3]

"""Every entry is in one seal, and no seal vouches for what it should not."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import DatabaseError, IntegrityError, connection, connections, transaction

from django_authaudit.integrity import keys, sealing, seals, writers
from django_authaudit.integrity.condition import Condition, condition_of
from django_authaudit.integrity.rows import Reader
from django_authaudit.integrity.runs import runs_of
from django_authaudit.models import AuditLog, AuditSeal, SealedRun
from django_authaudit.sinks.database import DatabaseSink
from tests.integrity.log import RUNS, SEALS, add, change, make, place, runs, seal, sql
from tests.management.rows import days_ago

pytestmark = pytest.mark.django_db


def text(entries):
    return [(str(writer), number, leaf) for writer, number, leaf in map(place, entries)]


def test_a_seal_says_the_numbers_and_the_digest_of_what_is_new():
    first, second = add(3), add(2)

    [statement] = seal()

    assert sorted(runs()) == sorted([(first[0].writer, 1, 3), (second[0].writer, 1, 2)])
    assert statement["count"] == 5
    for entries in (first, second):
        [run] = runs_of(text(entries))
        assert SealedRun.objects.get(writer=entries[0].writer).digest == run.digest


def test_seals_are_numbered_linked_and_signed():
    add(1)
    seal()
    seal()

    first, second = AuditSeal.objects.order_by("number")

    assert (first.number, second.number) == (1, 2)
    assert seals.statement_of(first)["previous"] == ""
    assert seals.statement_of(second)["previous"] == seals.hash_of(first)
    assert seals.is_genuine(first)
    second.signature = first.signature
    assert not seals.is_genuine(second)


def test_silence_is_sealed_too():
    [first], [second] = seal(), seal()

    assert (first["count"], second["count"]) == (0, 0)
    assert second["number"] == 2
    assert second["until"] > first["until"]


def test_no_entry_is_sealed_twice():
    writer = writers.Writer()
    add(2, writer)
    seal()
    add(3, writer)
    seal()
    seal()

    assert runs() == [(writer.id, 1, 2), (writer.id, 3, 5)]


def test_an_entry_that_comes_late_is_sealed_late():
    writer = writers.Writer()
    one, two, three = writer.number([make() for _ in range(3)])
    DatabaseSink().emit([one, three])
    seal()
    DatabaseSink().emit([two])
    seal()

    assert runs() == [(writer.id, 1, 1), (writer.id, 3, 3), (writer.id, 2, 2)]


def test_a_long_log_is_sealed_page_by_page(monkeypatch):
    monkeypatch.setattr(sealing, "MOST_ROWS", 4)
    writer = writers.Writer()
    add(10, writer)

    assert [statement["count"] for statement in seal()] == [4, 4, 2]
    assert runs() == [(writer.id, 1, 4), (writer.id, 5, 8), (writer.id, 9, 10)]
    # What the page before ended with is not begun with again, though it is within the hour.
    assert [statement["count"] for statement in seal()] == [0]


def test_what_was_broken_off_is_gone_on_with(monkeypatch):
    monkeypatch.setattr(sealing, "MOST_ROWS", 4)
    add(10)
    next(sealing.seal("default"))

    assert [statement["count"] for statement in seal()] == [4, 2]


@pytest.mark.parametrize(
    ("column", "value"),
    [("username", "eve"), ("sequence", 7), ("leaf", "0" * 64), ("signature", ""), ("leaf", "")],
)
def test_what_was_tampered_with_is_not_sealed(column, value):
    one, two = add(2)
    change(one, column, value)

    [statement] = seal()

    assert statement["count"] == 1
    assert runs() == [(two.writer, 2, 2)]


def test_entries_without_a_number_are_not_sealed():
    AuditLog(event="auth.logout", outcome="success", created_at=days_ago(0)).save()

    assert [statement["count"] for statement in seal()] == [0]


def test_an_edited_seal_does_not_end_sealing():
    entries = add(2)
    seal()
    sql(f"UPDATE {SEALS} SET statement = '[]'")

    [statement] = seal()

    # The entries are in a seal still, though nobody knows how far it looked.
    assert statement["count"] == 0
    assert [row.pk for row in AuditLog.objects.order_by("pk")] == [e.id for e in entries]


def test_only_what_is_signed_with_a_known_key_is_sealed(settings):
    settings.AUTHAUDIT_SIGNING_KEYS = {"old": "o" * 32}
    add(1)
    settings.AUTHAUDIT_SIGNING_KEYS = {"new": "n" * 32, "old": "o" * 32}
    add(1)

    assert [statement["count"] for statement in seal()] == [2]
    assert AuditSeal.objects.get().signature.startswith("new:")
    settings.AUTHAUDIT_SIGNING_KEYS = {"new": "n" * 32}
    add(1)
    sql(f"DELETE FROM {RUNS}")
    sql(f"DELETE FROM {SEALS}")
    assert [statement["count"] for statement in seal()] == [2]


def test_a_statement_is_that_of_its_seal_and_in_canonical_form():
    seal()
    made = AuditSeal.objects.get()
    for wrong in (
        "{}",
        "[",
        made.statement + " ",
        made.statement.replace('"number":1', '"number":2'),
    ):
        with pytest.raises(ValueError, match=r"."):
            seals.statement_of(AuditSeal(number=1, kind=made.kind, statement=wrong))


def test_a_seal_survives_leaving_the_database():
    add(1)
    seal()
    made = AuditSeal.objects.get()

    back = seals.from_dict(seals.to_dict(made))

    assert seals.to_line(back) == seals.to_line(made)
    assert len(seals.to_line(made)) < 1000
    with pytest.raises(ValueError, match="hash"):
        seals.from_dict({**seals.to_dict(made), "count": 7})


@pytest.mark.django_db(transaction=True)
def test_two_who_seal_at_once_make_one_chain():
    for _ in range(5):
        add(20)
    errors = []

    def run():
        try:
            for _ in range(3):
                list(sealing.seal("default"))
        except DatabaseError as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    chain = list(AuditSeal.objects.order_by("number"))
    assert [made.number for made in chain] == list(range(1, 13))
    for before, after in pairwise(chain):
        assert seals.statement_of(after)["previous"] == seals.hash_of(before)
    assert sum(seals.statement_of(made)["count"] for made in chain) == 100


def test_an_error_that_does_not_pass_is_raised(monkeypatch):
    monkeypatch.setattr(sealing, "_PAUSE", 0)
    seal()
    sql(f"UPDATE {SEALS} SET number = 0")
    monkeypatch.setattr(seals, "lock_chain", lambda using: None)
    with transaction.atomic():
        AuditSeal(number=1, kind="sealed", statement="", signature="").save()

    with pytest.raises(IntegrityError):
        seal()


def test_every_condition_has_a_name():
    entries = add(3)
    change(entries[0], "path", "/x/")
    change(entries[1], "signature", f"{keys.signing_key().id}:00")

    by_number = {
        row.content["sequence"]: condition_of(row) for row in Reader("default").by_number()
    }

    assert by_number == {1: Condition.EDITED, 2: Condition.FORGED, 3: Condition.INTACT}


def test_entries_of_long_ago_are_sealed_the_first_time(monkeypatch):
    add(1)
    monkeypatch.setattr(sealing, "LOOK_BACK", timedelta(0))

    assert [statement["count"] for statement in seal()] == [1]
    assert connection.in_atomic_block

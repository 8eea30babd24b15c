import threading

import pytest
from django.db import DataError, connections, transaction
from django.db.transaction import TransactionManagementError

from django_authaudit import replay, spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.models import AuditLog
from django_authaudit.replay import replay_file
from django_authaudit.sinks.database import DatabaseSink

pytestmark = pytest.mark.django_db(transaction=True)


def entries(number, username="bob"):
    return [
        make_entry(id=new_id(), event="auth.logout", outcome="success", username=username)
        for _ in range(number)
    ]


def test_an_empty_spool_is_nothing_to_replay():
    assert replay_file("default") is None


def test_entries_are_stored_once_and_the_file_is_gone(spool_dir):
    spool.append("default", entries(100))
    assert replay_file("default") == replay.Replayed(stored=100)
    assert replay_file("default") is None
    assert AuditLog.objects.count() == 100
    assert list(spool_dir.iterdir()) == []


def test_an_entry_whose_commit_was_not_acknowledged_is_not_doubled():
    made = entries(50)
    DatabaseSink().emit(made[:20])
    spool.append("default", made)
    assert replay_file("default") == replay.Replayed(stored=30, present=20)
    assert AuditLog.objects.count() == 50


def test_a_replay_that_was_killed_is_taken_up_where_it_ended(monkeypatch):
    made = entries(100)
    spool.append("default", made)
    inserted = []

    def killed(alias, batch):
        if inserted:
            raise KeyboardInterrupt
        inserted.append(batch)
        insert(alias, batch)

    insert = replay.insert
    monkeypatch.setattr(replay, "insert", killed)
    with pytest.raises(KeyboardInterrupt):
        replay_file("default")
    monkeypatch.setattr(replay, "insert", insert)
    assert replay_file("default") == replay.Replayed(stored=60, present=40)
    assert AuditLog.objects.count() == 100


def test_what_the_database_refuses_for_its_value_is_set_aside(spool_dir, monkeypatch):
    spool.append("default", [*entries(3), *entries(1, "poison"), *entries(3)])

    def picky(alias, batch):
        if any(entry.username == "poison" for entry in batch):
            raise DataError("no such value")
        insert(alias, batch)

    insert = replay.insert
    monkeypatch.setattr(replay, "insert", picky)
    assert replay_file("default") == replay.Replayed(stored=6, rejected=1)
    (aside,) = spool_dir.iterdir()
    assert aside.suffix == ".rejected"
    assert aside.read_text().count("poison") == 1
    assert not spool.waiting("default")


def test_an_entry_that_was_spooled_twice_is_stored_once_and_nothing_is_refused(spool_dir):
    made = entries(3)
    spool.append("default", made)
    spool.append("default", made[1:])
    assert replay_file("default") == replay.Replayed(stored=3, present=2)
    assert AuditLog.objects.count() == 3
    assert list(spool_dir.iterdir()) == []


def test_an_entry_that_another_process_stores_first_is_not_refused(spool_dir, monkeypatch):
    made = entries(3)
    spool.append("default", made)

    def first(alias, batch):
        monkeypatch.undo()
        replay.insert(alias, batch[:1])
        replay.insert(alias, batch)

    monkeypatch.setattr(replay, "insert", first)
    replay_file("default")
    assert AuditLog.objects.count() == 3
    assert list(spool_dir.iterdir()) == []


def test_nothing_is_replayed_into_a_transaction_that_may_be_rolled_back():
    spool.append("default", entries(3))
    with pytest.raises(TransactionManagementError), transaction.atomic():
        replay_file("default")
    assert replay_file("default") == replay.Replayed(stored=3)


def test_two_replays_at_once_double_nothing(spool_dir):
    for number in range(10):
        spool.append("default", entries(30))
        (begun,) = spool_dir.glob("*.jsonl")
        begun.rename(begun.with_name(f"{begun.stem}-{number}.claimed"))

    def work():
        while spool.waiting("default"):
            replay_file("default")
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert AuditLog.objects.count() == 300


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_what_waits_for_one_database_is_stored_there_whatever_the_log_uses_now(settings):
    spool.append("audit", entries(3))
    assert replay_file("audit") == replay.Replayed(stored=3)
    assert AuditLog.objects.using("audit").count() == 3
    assert AuditLog.objects.using("default").count() == 0

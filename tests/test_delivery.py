"""What becomes of entries when something refuses them."""

import json
import logging
import threading
from contextlib import nullcontext

import pytest
from django.contrib.auth.models import User
from django.db import DataError, connection, transaction

from django_authaudit import delivery, record, signals, spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.models import AuditLog
from django_authaudit.sinks.base import Sink
from django_authaudit.sinks.database import DatabaseSink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(delivery, "_lost", [])
    monkeypatch.setattr(delivery, "_next_look", 0.0)


@pytest.fixture
def without_table():
    """Take the audit table away for the length of a test."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditLog, "django_authaudit_auditlog", "away")
    yield
    _give_table_back()


def _give_table_back():
    if "away" in connection.introspection.table_names():
        with connection.schema_editor() as editor:
            editor.alter_db_table(AuditLog, "away", "django_authaudit_auditlog")


@pytest.fixture
def without_spool(settings, tmp_path):
    """Make the spool impossible."""
    (tmp_path / "file").write_text("")
    settings.AUTHAUDIT_SPOOL_DIR = str(tmp_path / "file" / "spool")


class Picky(DatabaseSink):
    """Refuses one name, as a database refuses a value."""

    def emit(self, entries):
        if any(entry.username == "poison" for entry in entries):
            raise DataError("no such value")
        super().emit(entries)


class Deaf(Sink):
    def emit(self, entries):
        raise OSError("no route")


class Listening(Sink):
    heard: list = []

    def emit(self, entries):
        self.heard.extend(entries)


@pytest.fixture
def bob():
    return User.objects.create_user("bob", "", "right")


HERE = f"{__name__}."


def test_without_the_table_a_login_works_and_nothing_is_lost(without_table, client, caplog):
    with caplog.at_level(logging.CRITICAL, "django_authaudit"):
        User.objects.create_user("bob", "", "right")
    assert client.post("/login/", {"username": "bob", "password": "wrong"}).status_code == 200
    assert client.post("/login/", {"username": "bob", "password": "right"}).status_code == 302
    assert client.get("/forbidden/").status_code == 403
    _give_table_back()
    record("auth.logout", username="bob")
    assert sorted(AuditLog.objects.values_list("event", flat=True)) == [
        "account.created",
        "audit.spool_replayed",
        "auth.login.failure",
        "auth.login.success",
        "auth.logout",
        "authz.forbidden",
    ]
    replayed = AuditLog.objects.get(event="audit.spool_replayed")
    assert replayed.metadata == {"stored": 4, "present": 0, "rejected": 0}
    assert not spool.waiting("default")


def test_a_failure_is_logged_with_its_cause(without_table, caplog):
    record("auth.logout", username="bob")
    (failure,) = [record for record in caplog.records if record.name == "django_authaudit"]
    assert "DatabaseSink.emit() failed" in failure.message
    assert failure.exc_info[0] is not None


def test_a_value_that_the_database_refuses_costs_no_other(settings, act):
    settings.AUTHAUDIT_SINKS = {"database": {"BACKEND": HERE + "Picky"}}

    def view(request):
        for name in ("a", "poison", "b"):
            record("auth.logout", username=name)

    act(view)
    assert sorted(AuditLog.objects.values_list("username", flat=True)) == ["a", "b"]
    assert spool.waiting("default")
    settings.AUTHAUDIT_SINKS = {"database": {"BACKEND": HERE + "DatabaseSink"}}
    record("auth.logout", username="c")
    names = AuditLog.objects.exclude(username="").values_list("username", flat=True)
    assert sorted(names) == ["a", "b", "c", "poison"]
    numbers = sorted(AuditLog.objects.values_list("writer", "sequence"))
    assert len(set(numbers)) == 5


def test_entry_recorded_is_sent_once_the_entry_is_durable():
    heard = []

    def receiver(sender, entry, **kwargs):
        heard.append((entry.username, AuditLog.objects.filter(pk=entry.id).exists()))
        raise ValueError("a receiver must not matter")

    signals.entry_recorded.connect(receiver)
    try:
        record("auth.logout", username="bob")
    finally:
        signals.entry_recorded.disconnect(receiver)
    assert heard == [("bob", True)]


@pytest.fixture
def receivers():
    """Return a function that connects a receiver for the length of a test."""
    connected = []

    def connect(signal, receiver):
        signal.connect(receiver)
        connected.append((signal, receiver))

    yield connect
    for signal, receiver in connected:
        signal.disconnect(receiver)


@pytest.mark.parametrize("in_transaction", [False, True])
def test_a_receiver_that_records_what_it_hears_of_is_not_told_of_that(receivers, in_transaction):
    heard = []

    def receiver(sender, entry, **kwargs):
        heard.append(entry.username)
        with transaction.atomic() if in_transaction else nullcontext():
            record("auth.logout", username=f"heard of {entry.username}")

    receivers(signals.entry_recorded, receiver)
    record("auth.logout", username="bob")
    record("auth.logout", username="eve")
    assert heard == ["bob", "eve"]
    names = AuditLog.objects.order_by("id").values_list("username", flat=True)
    assert list(names) == ["bob", "heard of bob", "eve", "heard of eve"]


def test_what_a_receiver_happens_to_write_for_another_thread_is_told_of(receivers):
    heard = []

    def work():
        with transaction.atomic():
            record("auth.logout", username="another thread's")
            transaction.set_rollback(True)
        connection.close()

    def receiver(sender, entry, **kwargs):
        heard.append(entry.username)
        if entry.username == "bob":
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        record("auth.logout", username="by receiver")

    receivers(signals.entry_recorded, receiver)
    record("auth.logout", username="bob")
    assert heard == ["bob", "another thread's"]
    assert AuditLog.objects.filter(username="by receiver").count() == 2


def test_a_receiver_that_records_a_failure_to_write_is_called_once_a_failure(
    without_table, receivers
):
    heard = []

    def receiver(sender, entries, **kwargs):
        heard.append([entry.username for entry in entries])
        record("audit.write_failed", username="by receiver")

    receivers(signals.write_failed, receiver)
    record("auth.logout", username="bob")
    assert heard == [["bob"]]
    _give_table_back()
    record("auth.logout", username="eve")
    assert AuditLog.objects.filter(username="by receiver").count() == 1


def test_write_failed_is_sent_with_what_was_refused(without_table):
    heard = []

    def receiver(sender, entries, error, spooled, **kwargs):
        heard.append((sender, [entry.username for entry in entries], error is None, spooled))

    signals.write_failed.connect(receiver)
    try:
        record("auth.logout", username="bob")
    finally:
        signals.write_failed.disconnect(receiver)
    assert heard == [(DatabaseSink, ["bob"], False, True)]


def test_with_neither_table_nor_spool_the_log_has_the_entry_and_it_is_named_later(
    without_table, without_spool, client, caplog
):
    assert client.get("/forbidden/").status_code == 403
    (critical,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    lost = json.loads(critical.message.partition("nowhere else: ")[2])
    assert (lost["event"], lost["path"]) == ("authz.forbidden", "/forbidden/")
    record("auth.logout")
    _give_table_back()
    record("auth.logout")
    failed = AuditLog.objects.get(event="audit.write_failed")
    assert failed.outcome == "failure"
    assert failed.metadata["lost"] == 2
    assert failed.metadata["events"] == {"authz.forbidden": 1, "auth.logout": 1}
    assert lost["writer"] in failed.metadata["numbers"]
    record("auth.logout")
    assert AuditLog.objects.filter(event="audit.write_failed").count() == 1


def test_the_log_costs_no_transaction_by_hand_its_work(without_table, without_spool):
    """With nowhere to go it neither spoils the transaction nor closes its connection."""
    transaction.set_autocommit(False)
    try:
        User.objects.create_user("kept")
        transaction.commit()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert User.objects.get().username == "kept"


def test_the_numbers_of_a_lost_entry_are_never_used_again(without_table, without_spool):
    record("auth.logout")
    (lost,) = delivery._lost
    _give_table_back()
    record("auth.logout")
    assert not AuditLog.objects.filter(writer=lost.writer).exists()


def test_losing_the_report_of_a_loss_keeps_the_loss(without_table, without_spool, settings):
    record("auth.logout", username="gone")
    _give_table_back()

    class Once(DatabaseSink):
        calls = 0

        def emit(self, entries):
            type(self).calls += 1
            if type(self).calls == 2:
                raise OSError("away again")
            super().emit(entries)

    globals()["Once"] = Once
    settings.AUTHAUDIT_SINKS = {"database": {"BACKEND": HERE + "Once"}}
    record("auth.logout")
    assert not AuditLog.objects.filter(event="audit.write_failed").exists()
    record("auth.logout")
    assert AuditLog.objects.get(event="audit.write_failed").metadata["lost"] == 2


def test_threads_that_report_a_loss_at_once_tell_it_once(without_table, without_spool, settings):
    for _ in range(3):
        record("auth.logout", username="gone")
    _give_table_back()
    both_report = threading.Barrier(2, timeout=30)

    class Meeting(DatabaseSink):
        def emit(self, entries):
            if any(entry.username == "again" for entry in entries):
                super().emit(entries)
                both_report.wait()
            else:
                super().emit(entries)

    globals()["Meeting"] = Meeting
    settings.AUTHAUDIT_SINKS = {"database": {"BACKEND": HERE + "Meeting"}}

    def work():
        record("auth.logout", username="again")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = AuditLog.objects.filter(event="audit.write_failed")
    assert sum(row.metadata["lost"] for row in told) == 3


def test_every_sink_gets_every_entry_whatever_happens_to_another(settings):
    Listening.heard.clear()
    settings.AUTHAUDIT_SINKS = {
        "deaf": {"BACKEND": HERE + "Deaf"},
        "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
        "listening": {"BACKEND": HERE + "Listening"},
    }
    record("auth.logout", username="bob")
    assert AuditLog.objects.get().username == "bob"
    assert [entry.username for entry in Listening.heard] == ["bob"]
    assert not spool.waiting("default")


@pytest.mark.parametrize("backend", ["no.such.Sink", "builtins.dict"])
def test_wrong_sinks_fall_back_to_the_database(settings, caplog, backend):
    settings.AUTHAUDIT_SINKS = {"database": {"BACKEND": backend}}
    record("auth.logout", username="bob")
    assert AuditLog.objects.get().username == "bob"
    assert "making the sinks failed" in caplog.text


def test_an_entry_that_cannot_be_completed_is_kept_as_far_as_known(caplog):
    class Odd:
        is_authenticated = True
        pk = 7

        def get_username(self):
            raise LookupError

    record("auth.logout", username="bob", actor=Odd(), metadata={"via": "test"})
    row = AuditLog.objects.get()
    assert row.username == "bob"
    assert row.metadata == {"via": "test", "incomplete": "LookupError"}
    assert "asking who is signed in failed" in caplog.text


class Unreadable:
    def __str__(self):
        raise LookupError


class UnreadableMapping(dict):
    def items(self):
        raise LookupError


def test_a_value_that_cannot_be_read_costs_no_entry(act, rows, caplog):
    def view(request):
        record("auth.logout", username="before")
        record(
            "auth.logout",
            username=Unreadable(),
            metadata={"reason": "kept", "old": Unreadable(), Unreadable(): [Unreadable(), 1]},
        )
        record("auth.logout", username="after")

    act(view)
    assert [row.username for row in rows()] == ["before", "<Unreadable>", "after"]
    placeholder = "<Unreadable>"
    assert rows()[1].metadata == {
        "reason": "kept",
        "old": placeholder,
        placeholder: [placeholder, 1],
    }
    assert "reading a value as text failed" in caplog.text


def test_metadata_that_cannot_be_read_costs_all_of_itself_and_nothing_else(act, rows, bob):
    def view(request):
        record("auth.logout", username="before")
        record("auth.logout", user=bob, metadata={"old": UnreadableMapping()})
        record("auth.logout", username="after")

    act(view)
    before, least, after = rows("auth.logout")
    assert (before.username, after.username) == ("before", "after")
    assert (least.user_id, least.metadata) == (bob.pk, {"incomplete": "values"})


def test_facts_that_cannot_be_read_cost_no_event(caplog):
    record("auth.logout", metadata=42)
    assert AuditLog.objects.get().metadata == {"incomplete": "TypeError"}


def test_facts_that_cannot_be_read_cost_neither_account_nor_request_nor_rollback(act, caplog):
    class Nameless:
        is_authenticated = True
        pk = 7

        def get_username(self):
            raise LookupError

    def view(request):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            record("account.deleted", user=Nameless())
            raise ZeroDivisionError

    act(view)
    row = AuditLog.objects.get()
    assert (row.user_id, row.path, row.outcome) == (7, "/act/test/", "failure")
    assert row.metadata == {"incomplete": "LookupError", "rolled_back": True}


def test_a_spool_that_cannot_be_replayed_stays(settings, without_table, caplog):
    record("auth.logout", username="first")
    _give_table_back()

    def away(alias, entries):
        raise OSError("away")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delivery.replay, "insert", away)
        record("auth.logout", username="second")
    assert "replaying the spool failed" in caplog.text
    assert spool.waiting("default")
    record("auth.logout", username="third")
    assert AuditLog.objects.filter(username="first").count() == 1


def test_what_another_process_spooled_is_found_when_it_is_time_to_look(monkeypatch):
    record("auth.logout", username="first")
    other = make_entry(id=new_id(), event="auth.logout", outcome="success", username="other")
    spool.append("default", [other])
    record("auth.logout", username="second")
    assert not AuditLog.objects.filter(username="other").exists()
    monkeypatch.setattr(delivery, "_next_look", 0.0)
    record("auth.logout", username="third")
    assert AuditLog.objects.filter(username="other").exists()


def test_a_file_that_another_process_replays_is_left_to_it():
    record("auth.logout", username="first")
    other = make_entry(id=new_id(), event="auth.logout", outcome="success", username="other")
    spool.append("default", [other])
    with spool.claim("default"):
        delivery._next_look = 0.0
        record("auth.logout", username="second")
    assert not AuditLog.objects.filter(event="audit.spool_replayed").exists()

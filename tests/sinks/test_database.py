import threading

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, connections

from django_authaudit import delivery, record, spool
from django_authaudit.entry import make_entry, new_id
from django_authaudit.models import AuditLog
from django_authaudit.pause import Pause
from django_authaudit.sinks.database import DatabaseSink, write_alias

TABLE = AuditLog._meta.db_table


def entries(number):
    return [make_entry(id=new_id(), event="auth.logout", outcome="success") for _ in range(number)]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [1, 40, 41, 1000])
def test_any_number_of_entries_is_stored_in_full(number):
    made = [
        make_entry(
            id=new_id(),
            event="auth.login.failure",
            outcome="failure",
            user_id=7,
            username="zoë 🙂",
            actor_id=8,
            ip_address="2001:db8::1",
            metadata={"reason": "x", "nested": {"a": [1, None, True]}},
            path="/%s/",
        )
        for _ in range(number)
    ]
    DatabaseSink().emit(made)
    rows = AuditLog.objects.order_by("id")
    assert [row.id for row in rows] == [entry.id for entry in made]
    for name in ("username", "ip_address", "metadata", "created_at", "user_id", "path"):
        assert getattr(rows[0], name) == getattr(made[0], name)


@pytest.mark.django_db(transaction=True)
def test_a_batch_is_stored_whole_or_not_at_all():
    stored = entries(1)
    DatabaseSink().emit(stored)
    with pytest.raises(DatabaseError):
        DatabaseSink().emit([*entries(60), *stored])
    assert AuditLog.objects.count() == 1


@pytest.fixture
def other_session():
    """Yield a second connection to the test database."""
    other = connections.create_connection("default")
    other.inc_thread_sharing()
    yield other
    other.close()


@pytest.fixture
def locked(other_session):
    """Hold a lock on the table, in another session."""
    with other_session.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("BEGIN IMMEDIATE")
            yield
            cursor.execute("ROLLBACK")
        elif connection.vendor == "postgresql":
            other_session.set_autocommit(False)
            cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
            yield
            other_session.rollback()
            other_session.set_autocommit(True)
        else:
            cursor.execute(f"LOCK TABLES {TABLE} WRITE")
            yield
            cursor.execute("UNLOCK TABLES")


@pytest.mark.django_db(transaction=True)
def test_a_locked_table_delays_the_response_and_never_hangs_it(locked, client, caplog):
    # The lock is held for the whole test: that it ends is the proof.
    assert client.get("/forbidden/").status_code == 403
    assert spool.waiting("default")
    assert "DatabaseSink.emit() failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_lock_ends_no_connection_and_begins_no_pause(locked, client, monkeypatch):
    monkeypatch.setattr(delivery, "_pause", Pause())
    connection.ensure_connection()
    open_one = connection.connection
    record("auth.logout")
    assert spool.waiting("default")
    assert connection.connection is open_one
    assert not delivery._pause.under_way()


@pytest.mark.django_db(transaction=True)
def test_many_entries_at_once_hang_on_a_locked_table_no_longer_than_one(locked, act):
    def view(request):
        for _ in range(100):
            record("auth.logout")

    act(view)
    assert spool.waiting("default")


@pytest.mark.django_db(transaction=True)
def test_the_hosts_own_patience_with_locks_is_left_alone(client, request):
    before = _patience()
    client.get("/forbidden/")
    DatabaseSink().emit(entries(100))
    request.getfixturevalue("locked")
    client.get("/forbidden/")
    assert _patience() == before


def _patience():
    query = {
        "sqlite": "PRAGMA busy_timeout",
        "postgresql": "SHOW lock_timeout",
        "mysql": "SELECT @@lock_wait_timeout, @@innodb_lock_wait_timeout, @@max_statement_time",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'mysql'", reason="the MySQL way")
def test_the_mysql_way_is_bounded_and_restored_too(locked, monkeypatch, client):
    monkeypatch.setattr(connection, "mysql_is_mariadb", False)
    before = _patience()
    client.get("/forbidden/")
    assert spool.waiting("default")
    assert _patience() == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="an option of psycopg")
def test_server_side_binding_is_bounded_too(monkeypatch, request, client):
    connection.close()
    options = {**connection.settings_dict["OPTIONS"], "server_side_binding": True}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    client.get("/forbidden/")
    assert AuditLog.objects.count() == 1
    request.getfixturevalue("locked")
    client.get("/forbidden/")
    assert spool.waiting("default")
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="nobody ends a session of SQLite")
@pytest.mark.parametrize("ended_by", ["server", "driver"])
def test_a_session_that_has_ended_costs_no_entry_and_is_replaced(other_session, client, ended_by):
    client.get("/forbidden/")
    if ended_by == "driver":
        connection.connection.close()
    else:
        own, end = {
            "postgresql": ("pg_backend_pid()", "SELECT pg_terminate_backend(%s)"),
            "mysql": ("CONNECTION_ID()", "KILL %s"),
        }[connection.vendor]
        with connection.cursor() as cursor, other_session.cursor() as other:
            cursor.execute(f"SELECT {own}")
            other.execute(end, cursor.fetchone())
    client.get("/forbidden/")
    assert spool.waiting("default")
    client.get("/forbidden/")
    assert not spool.waiting("default")
    assert AuditLog.objects.filter(event="authz.forbidden").count() == 3


@pytest.mark.django_db(transaction=True)
def test_another_vendor_gets_the_plain_statement(monkeypatch):
    sink = DatabaseSink()
    monkeypatch.setattr(connection, "vendor", "oracle")
    sink.emit(entries(1))
    assert AuditLog.objects.count() == 1


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_the_log_may_live_in_another_database(settings, client):
    settings.AUTHAUDIT_DATABASE = "audit"
    client.get("/forbidden/")
    assert AuditLog.objects.using("audit").count() == 1
    assert AuditLog.objects.using("default").count() == 0


@pytest.mark.django_db
def test_an_alias_that_does_not_exist_counts_as_unset(settings):
    settings.AUTHAUDIT_DATABASE = "nowhere"
    assert write_alias() == "default"
    record("auth.logout")
    assert AuditLog.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_threads_store_at_once():
    def work():
        for _ in range(5):
            record("auth.logout", username="bob")
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record("auth.logout", username="bob")
    while spool.waiting("default"):
        record("auth.logout", username="last")
    assert AuditLog.objects.filter(username="bob").count() == 21
    numbers = list(AuditLog.objects.values_list("writer", "sequence"))
    assert len(set(numbers)) == len(numbers)


@pytest.mark.django_db
def test_a_refused_batch_leaves_the_surrounding_transaction_usable(client):
    stored = entries(1)
    DatabaseSink().emit(stored)
    with pytest.raises(DatabaseError):
        DatabaseSink().emit(stored)
    assert User.objects.count() == 0


class Strict:
    """A router that knows its own apps alone."""

    def db_for_write(self, model, **hints):
        if model is AuditLog:
            raise LookupError("which app?")


@pytest.mark.django_db
def test_a_router_that_fails_leaves_the_log_in_the_default_database(settings, client, caplog):
    settings.DATABASE_ROUTERS = [Strict()]
    assert client.get("/forbidden/").status_code == 403
    assert AuditLog.objects.using("default").count() == 1
    assert "asking the routers failed" in caplog.text

"""What was signed is what every database gives back, bit by bit."""

import io
import json
import re
import uuid

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections

from django_authaudit import record
from django_authaudit.entry import first_id_at, make_entry, new_id
from django_authaudit.integrity import keys, writers
from django_authaudit.integrity.leaf import PURPOSE, content_of, leaf_of
from django_authaudit.integrity.rows import Reader
from django_authaudit.models import AuditLog
from django_authaudit.sinks.database import DatabaseSink
from tests.management.rows import days_ago

pytestmark = pytest.mark.django_db(transaction=True)
TABLE = AuditLog._meta.db_table

ODD = [
    {},
    {"username": "zoë 🙂 \x00\x1b\ud800\u202e", "path": '/"\\/\t%s%%/' + "ä" * 2000},
    {"metadata": {"b": [1, None, True, {"z": 0.1, "a": -0.0}], "a": {"é": "\x00"}, "n": 10**30}},
    {"metadata": {"zz": 1, "a": 2, "m": 2**53 - 1, "big": -(2**53), "e": 1e300, "": ""}},
    {"metadata": {str(n): "x" * 500 for n in range(40)}},
    {"ip_address": "2001:db8::1"},
    {"ip_address": "::102:304"},
    {"ip_address": "203.0.113.7", "user_id": 2**31 - 1, "actor_id": 7},
    {"email": "a@b.example", "user_agent": " trailing space ", "method": "POST"},
]


def read(alias="default"):
    return list(Reader(alias).by_number())


def is_intact(row):
    leaf = leaf_of(row.content)
    return leaf == row.leaf and keys.is_signed(row.signature, PURPOSE, bytes.fromhex(leaf))


def store(*values, using=None):
    """Store an entry of each of `values` as the write path does, and return them."""
    made = [
        make_entry(**{"id": new_id(), "event": "auth.logout", "outcome": "success", **given})
        for given in values
    ]
    entries = writers.Writer().number(made)
    DatabaseSink().emit(entries)
    return entries


def test_what_the_database_gives_back_is_what_was_signed():
    entries = store(*ODD)

    rows = read()

    assert [row.content for row in rows] == [content_of(entry) for entry in entries]
    assert all(map(is_intact, rows))


@pytest.mark.parametrize("use_tz", [True, False])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_time_zones_and_their_double_hours_change_nothing(settings, use_tz, zone):
    settings.USE_TZ, settings.TIME_ZONE = use_tz, zone
    connection.close()
    try:
        # The ends of summer time in Berlin and New York, in the hour that is there twice.
        moments = [1_761_436_800_000 + minutes * 60_000 for minutes in range(0, 600, 29)]
        moments += [1_762_059_600_000 + minutes * 60_000 + 1 for minutes in range(0, 600, 29)]
        store(*({"id": uuid.UUID(int=first_id_at(at(m)).int + 1)} for m in moments))

        rows = read()
    finally:
        connection.close()

    assert len(rows) == len(moments)
    assert all(map(is_intact, rows))


def at(milliseconds):
    return days_ago(0).fromtimestamp(milliseconds / 1000, tz=days_ago(0).tzinfo)


def test_every_recorded_entry_is_signed(client):
    get_user_model().objects.create_user("bob", password="right")
    client.post("/login/", {"username": "bob", "password": "wrong"})
    client.post("/login/", {"username": "bob", "password": "right"})
    client.get("/forbidden/")
    record("billing.unknown", metadata={"amount": 1.5})

    rows = read()

    assert len(rows) == 5
    assert all(map(is_intact, rows))


def test_the_key_of_an_account_is_signed_as_its_database_gives_it_back():
    record("auth.logout", user=get_user_model()(pk="7", username="bob"))

    [row] = read()

    assert row.content["user_id"] == 7
    assert is_intact(row)


def test_a_key_of_another_kind_reads_as_the_entry_held_it(monkeypatch):
    monkeypatch.setattr("django_authaudit.integrity.rows._SMALL_INTEGERS", ())
    store({"user_id": 7})
    [row] = read()
    assert (row.content["user_id"], row.content["actor_id"]) == (7, None)
    assert is_intact(row)

    key = get_user_model()._meta.pk
    convert = lambda value, expression, connection: f"key {value}"  # noqa: E731
    monkeypatch.setattr(key, "from_db_value", convert, raising=False)

    [row] = read()
    assert (row.content["user_id"], row.content["actor_id"]) == ("key 7", None)


def test_an_entry_that_cannot_be_signed_is_stored_all_the_same(caplog):
    broken = get_user_model()(pk="no key \ud800", username="bob")
    record("auth.logout", user=broken)

    assert "signing failed" in caplog.text


def test_rows_come_by_writer_and_number_page_by_page(monkeypatch):
    monkeypatch.setattr("django_authaudit.integrity.rows._PAGE", 3)
    first, second = store(*[{}] * 7), store(*[{}] * 4)
    unsigned = [AuditLog(event="auth.logout", outcome="success") for _ in range(7)]
    for row in unsigned:
        row.created_at = days_ago(1)
        row.save()

    rows = read()

    assert [row.content["writer"] for row in rows[:7]] == [None] * 7
    found = [(row.content["writer"], row.content["sequence"]) for row in rows[7:]]
    by_writer = [[(str(e.writer), e.sequence) for e in entries] for entries in (first, second)]
    # Which of two comes first is up to the database.
    assert found in (by_writer[0] + by_writer[1], by_writer[1] + by_writer[0])


def test_two_rows_of_one_number_both_come(monkeypatch):
    monkeypatch.setattr("django_authaudit.integrity.rows._PAGE", 1)
    [entry] = store({})
    for _ in range(2):
        DatabaseSink().emit([make_entry(**{**vars(entry), "id": new_id()})])

    assert len(read()) == 3


def test_a_dump_can_be_loaded_and_verifies(monkeypatch):
    entries = store(*ODD)
    dump = io.StringIO()
    call_command("dumpdata", "django_authaudit.auditlog", stdout=dump)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
    monkeypatch.setattr("sys.stdin", io.StringIO(dump.getvalue()))

    call_command("loaddata", "-", format="json", verbosity=0)

    assert [row.content for row in read()] == [content_of(entry) for entry in entries]
    assert all(map(is_intact, read()))


@pytest.mark.django_db(transaction=True, databases=["default", "audit"])
def test_the_spool_keeps_an_entrys_own_signature(spool_dir):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} RENAME TO away")
    record("auth.logout", username="ada")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE away RENAME TO {TABLE}")
    [line] = (spool_dir / next(iter(spool_dir.iterdir())).name).read_text().splitlines()

    call_command("replay_audit_log", verbosity=0)

    spooled, own = read() if read()[0].content["username"] else reversed(read())
    assert spooled.signature == json.loads(line)["signature"]
    assert is_intact(spooled)
    assert is_intact(own)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("metadata", '{"a": 2, "a": 1}'),
        ("metadata", '{"a": 1.0}'),
        ("metadata", "1"),
        ("created_at", "2026-01-01 00:00:00.123456"),
        ("created_at", "2026-01-01 00:00:00"),
        ("ip_address", "10.0.0.1"),
        ("ip_address", "::1.2.3.4"),
        ("salt", ""),
    ],
)
def test_what_was_written_past_the_package_does_not_match(column, value):
    store({"metadata": {"a": 2}})
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET {column} = %s", [value])

    [row] = read()

    assert not is_intact(row)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("id", "X'00'"),
        ("writer", "X'ff'"),
        ("writer", "'0b1e0b1e-0b1e-4b1e-8b1e-0b1e0b1e0b1e'"),
        ("sequence", "'x'"),
        ("sequence", "X'00'"),
        ("created_at", "X'ff'"),
        ("created_at", "'x'"),
        ("created_at", "'now'"),
        ("username", "CAST(X'ff41' AS TEXT)"),
        ("username", "X'00'"),
        ("user_id", "1.5"),
        ("user_id", "'bob'"),
        ("ip_address", "':.'"),
    ],
)
def test_what_cannot_be_read_does_not_match(column, value):
    store({})
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = 1")
        cursor.execute(f"UPDATE {TABLE} SET {column} = {value}")

    [row] = read()

    with pytest.raises((TypeError, ValueError, AssertionError)):
        assert is_intact(row)


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="the others have no such time")
def test_a_time_without_end_does_not_match():
    store({})
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET created_at = 'infinity'")

    [row] = read()

    assert not isinstance(row.content["created_at"], str)
    with pytest.raises((TypeError, ValueError, AssertionError)):
        assert is_intact(row)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
def test_a_local_time_beside_what_is_no_id_does_not_match(settings):
    settings.USE_TZ, settings.TIME_ZONE = False, "Europe/Berlin"
    connection.close()
    try:
        store({})
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {TABLE} SET id = 'x'")

        [row] = read()
    finally:
        connection.close()

    with pytest.raises((TypeError, ValueError, AssertionError)):
        assert is_intact(row)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="it keeps the last one only")
def test_a_key_twice_does_not_match_whichever_value_a_reader_takes():
    store({"metadata": {"a": 2}})
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET metadata = %s", ['{"a": 1, "a": 2}'])

    [row] = read()

    assert not is_intact(row)


@pytest.mark.skipif("connection.vendor == 'postgresql'", reason="it keeps no blanks")
@pytest.mark.parametrize("metadata", ['{"a": 2} ', ' {"a": 2}', '{"a": 2}\n'])
def test_a_blank_before_or_behind_metadata_does_not_match(metadata):
    store({"metadata": {"a": 2}})
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {TABLE} SET metadata = %s", [metadata])

    [row] = read()

    assert not is_intact(row)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="types are up to each row there")
@pytest.mark.parametrize("metadata", ["'['", "X'7b7d'", "'{\"a\": NaN}'", "'" + "[" * 5000 + "'"])
def test_metadata_that_is_no_json_does_not_match(metadata):
    store({})
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = 1")
        cursor.execute(f"UPDATE {TABLE} SET metadata = {metadata}")

    [row] = read()

    with pytest.raises((TypeError, ValueError, AssertionError)):
        assert is_intact(row)


def test_no_connection_is_left_otherwise_than_it_was():
    connection.ensure_connection()
    before = getattr(connections["default"].connection, "text_factory", None)
    read()
    assert getattr(connections["default"].connection, "text_factory", None) is before


@pytest.mark.skipif("connection.vendor == 'mysql'", reason="it sorts what is small, whatever")
def test_the_next_page_is_found_by_the_index(monkeypatch):
    monkeypatch.setattr("django_authaudit.integrity.rows._PAGE", 2)
    store(*[{}] * 6)
    asked = []

    def remember(execute, sql, params, many, context):
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(remember):
        read()

    plans = [
        plan_of(sql, params) for sql, params in asked if "sequence, " in sql.split("ORDER BY")[1]
    ]
    assert len(plans) > 3
    for plan in plans:
        assert "authaudit_writer" in plan
        # What is sorted is what the index holds: but for two rows of one number it is in order.
        assert not re.search(r"Sort Key: .*::text|TEMP B-TREE FOR ORDER", plan)


def plan_of(sql, params):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
            cursor.execute(f"EXPLAIN {sql}", params)
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params)
        plan = "\n".join(str(line) for line in cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET enable_seqscan; RESET enable_bitmapscan")
    return plan

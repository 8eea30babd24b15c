"""What the list costs does not grow with the table: the statements say so."""

import re
from datetime import timedelta

import pytest
from django.db import connection

from django_authaudit import reading
from tests.admin.conftest import LIST, NOON, detail, names, row, rows, text

pytestmark = pytest.mark.django_db

LISTS = [
    {},
    {"before": "019fffff-0000-7000-8000-000000000000"},
    {"after": "00000000-0000-0000-0000-000000000000"},
    {"at": "2026-07-01T14:01"},
    {"event": "auth.logout"},
    {"outcome": "success"},
    {"period": "month"},
    {"since": "2026-07-01T00:00"},
    {"user_id": 7},
    {"actor_id": 7},
    {"ip_address": "203.0.113.7"},
    {"request_id": "r"},
    {"session_ref": "s"},
    {"q": "bob"},
    {"q": "bob@example.com"},
    {"q": "203.0.113.7"},
    {"q": "203.0.113.0/24"},
    {"q": "auth."},
    {"q": "bob", "event": "auth.logout", "outcome": "success", "period": "month"},
]


@pytest.fixture
def full(reader, bob, alice):
    """Log of 120 entries of several accounts."""
    for n in range(120):
        user = (bob, alice)[n % 2]
        row(
            username=user.username,
            user_id=user.pk,
            actor_id=1_000_000 + n,
            actor_username=f"actor{n}",
            ip_address="203.0.113.7",
            session_ref="s",
            request_id="r",
            at=NOON + timedelta(seconds=n),
        )
    return reader


@pytest.mark.parametrize("parameters", LISTS, ids=str)
def test_no_list_counts_skips_joins_or_compares_without_bounds(full, queries, parameters):
    with queries() as captured:
        assert full.get(LIST, parameters).status_code == 200

    assert captured.of_the_log
    for sql in captured.of_the_log:
        assert any(bound in sql for bound in ("LIMIT", " IN (", "number < 65", "GROUP BY"))
        assert "DISTINCT" not in sql
        assert "JOIN" not in sql
        assert "LIKE" not in sql.upper()
        assert " OR " not in sql
        offset = re.search(r"OFFSET (\d+)", sql)
        assert offset is None or int(offset[1]) < reading.WINDOW


VALUES = {
    "event": "auth.logout",
    "outcome": "success",
    "ip_address": "203.0.113.7",
    "request_id": "r",
    "session_ref": "s",
    "user_id": 1_000_000,
    "actor_id": 1_000_000,
}


@pytest.mark.skipif("connection.vendor != 'postgresql'")
@pytest.mark.parametrize("column", VALUES)
@pytest.mark.parametrize("direction", ["before", "after"])
def test_a_filter_reads_the_index_of_its_column(full, queries, column, direction):
    """PostgreSQL would else walk the whole table by its key, when the value is common but old."""
    cursor = "019fffff-0000-7000-8000-000000000000"
    with queries() as captured:
        full.get(LIST, {column: VALUES[column], direction: cursor})

    column_in_sql = f'"django_authaudit_auditlog"."{column}"'
    for sql in captured.of_the_log:
        order = re.search(r"ORDER BY (.*?) LIMIT", sql)[1]
        assert re.fullmatch(rf"{column_in_sql} (ASC|DESC), \S+ \1", order)
        assert f"({column_in_sql} = ANY (ARRAY[" in sql


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_of_two_filters_the_rarer_value_leads(full, queries):
    with queries() as captured:
        full.get(LIST, {"event": "auth.logout", "user_id": 7, "outcome": "success"})

    order = 'ORDER BY "django_authaudit_auditlog"."user_id" DESC, '
    assert all(order in sql for sql in captured.of_the_log)


def test_a_list_costs_one_count_and_one_read_of_the_log(full, queries):
    with queries() as captured:
        full.get(LIST, {"outcome": "success"})

    assert len(captured.of_the_log) == 2


def test_the_picture_on_the_first_page_is_drawn_from_a_bounded_range(full, queries):
    with queries() as captured:
        full.get(LIST)

    edge, picture = (
        sql for sql in captured.of_the_log if "OFFSET 9999" in sql or "GROUP BY" in sql
    )
    assert "LIMIT 1 OFFSET 9999" in edge
    assert picture.count('"id"'.replace('"', connection.ops.quote_name("id")[0])) >= 2


def test_a_list_asks_the_accounts_for_nothing_but_the_reader(full, queries):
    with queries() as captured:
        full.get(LIST)

    accounts = [q["sql"] for q in captured.captured_queries if "auth_user" in q["sql"]]
    assert len(accounts) == 1


def test_a_longer_page_costs_no_more_statements(reader, django_assert_num_queries, queries):
    rows(1)
    with queries() as few:
        reader.get(LIST)
    rows(60, username="bob", user_id=5)

    with django_assert_num_queries(len(few.captured_queries)):
        reader.get(LIST)


def test_a_detail_page_costs_one_read_of_the_log(full, queries, bob):
    entry = full.get(LIST).context["cl"].result_list[0]

    with queries() as captured:
        full.get(detail(entry))

    assert len(captured.of_the_log) == 1


@pytest.fixture
def small_bound(monkeypatch):
    monkeypatch.setattr(reading, "BOUND", 100)


@pytest.mark.parametrize("parameters", [{}, {"q": "bob"}, {"event": "auth.logout"}])
def test_beyond_the_bound_the_list_says_more_than(reader, small_bound, parameters):
    rows(100, username="bob")
    assert "100 entries" in text(reader.get(LIST, parameters))
    assert "more than" not in text(reader.get(LIST, parameters))

    row(username="bob")

    assert "more than 100 entries" in text(reader.get(LIST, parameters))


def test_ten_thousand_is_written_as_people_do(reader, monkeypatch):
    monkeypatch.setattr(reading.Reader, "count", reading.Count(10_000, more=True))
    row()

    assert "more than 10,000 entries" in text(reader.get(LIST))


def test_what_is_asked_besides_is_looked_for_in_a_window(reader, monkeypatch):
    monkeypatch.setattr(reading, "WINDOW", 10)
    row("auth.login.failure", username="old", user_id=7, at=NOON)
    rows(15, user_id=7, start=NOON + timedelta(hours=1))
    row("auth.login.failure", username="new", user_id=7, at=NOON + timedelta(hours=2))

    first = reader.get(LIST, {"user_id": 7, "event": "auth.login.failure"})

    assert names(first) == ["new"]
    assert "at least 1 entries" in text(first)
    assert "searched back to 2026-07-01 15:00" in text(first)
    second = reader.get(LIST + first.context["cl"].older_url)
    assert names(second) == ["old"]
    assert "searched back" not in text(second)
    assert second.context["cl"].older_url == ""


def test_a_window_is_looked_through_in_the_other_direction_too(reader, monkeypatch):
    monkeypatch.setattr(reading, "WINDOW", 10)
    rows(25, user_id=7)
    row("auth.login.failure", username="new", user_id=7, at=NOON + timedelta(hours=2))
    wanted = {"user_id": 7, "event": "auth.login.failure"}

    pages = [reader.get(LIST, {**wanted, "after": "00000000-0000-0000-0000-000000000000"})]
    while url := pages[-1].context["cl"].newer_url:
        pages.append(reader.get(LIST + url))

    assert [names(page) for page in pages] == [[], [], ["new"]]
    assert names(reader.get(LIST + pages[1].context["cl"].older_url)) == []


def test_ids_order_and_compare_as_times_in_the_database(reader):
    """MariaDB sorts some versions of UUID by other bytes than the first."""
    moments = [NOON + timedelta(days=n * 97, milliseconds=n) for n in range(-30, 30)]
    for moment in sorted(moments, key=lambda m: m.microsecond):
        row(username=str(moment), at=moment)

    response = reader.get(LIST)
    expected = [str(m) for m in sorted(moments, reverse=True)]
    assert names(response) == expected
    assert names(reader.get(LIST, {"until": "2026-07-01T14:00"})) == expected[30:]
    assert connection.vendor in ("sqlite", "postgresql", "mysql")

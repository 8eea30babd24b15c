"""Entries as comma-separated values."""

import csv
import io
import json
from datetime import datetime, timezone

import pytest

from django_authaudit import events
from django_authaudit.entry import LIMITS
from django_authaudit.formats import csv as format
from tests.formats.samples import CODES, sample, variants


def read(*entries):
    """Return the rows as a program reads them that knows nothing of us."""
    lines = [format.HEADER, *map(format.dumps, entries)]
    return list(csv.DictReader(io.StringIO("\r\n".join(lines)), strict=True))


def test_what_was_written_is_read_back_by_a_stranger():
    entry = sample(events.LOGIN_FAILURE, username='a "b", ü')

    [row] = read(entry)

    assert row["username"] == 'a "b", ü'
    assert row["user_id"] == "7"
    assert json.loads(row["metadata"]) == {"reason": "invalid_password"}
    assert row["ip_address"] == "203.0.113.9"


def test_a_time_has_its_offset():
    [row] = read(sample(events.LOGOUT))

    assert datetime.fromisoformat(row["created_at"]) == datetime(
        2025, 11, 13, 7, 46, 44, 608_000, tzinfo=timezone.utc
    )
    assert row["created_at"].endswith("+00:00")


def test_every_column_is_there_in_every_row():
    rows = read(*(entry for code in CODES for entry in variants(code)))

    assert {len(row) for row in rows} == {len(format.COLUMNS)}
    assert not any(None in row or None in row.values() for row in rows)


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t=", "\r=", "  =", "＝", "＋", "－", "＠"])  # noqa: RUF001
@pytest.mark.parametrize("column", sorted(LIMITS.keys() - {"event", "session_ref"}))
def test_no_cell_is_a_formula(column, sign):
    [row] = read(sample(events.LOGIN_FAILURE, **{column: f"{sign}1+1"}))

    assert row[column].startswith(("'", "\\"))


def test_what_is_no_formula_is_left_alone():
    [row] = read(sample(events.LOGIN_FAILURE, username="a=b"))

    assert row["username"] == "a=b"

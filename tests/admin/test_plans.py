"""Every database reads a page from the index of what is asked for, and sorts no table."""

import re
from datetime import timedelta

import pytest
from django.db import connection

from django_authaudit.entry import first_id_at, make_entry
from django_authaudit.models import AuditLog
from django_authaudit.sinks.database import DatabaseSink
from django_authaudit.tracks import Span, Track
from tests.admin.conftest import NOON

pytestmark = pytest.mark.django_db

TRACKS = {
    "event": "auth.logout",
    "outcome": "success",
    "user_id": 7,
    "actor_id": 7,
    "username": "user7",
    "ip_address": "203.0.113.7",
    "session_ref": "s7",
}
INDEXES = {"user_id": "user", "actor_id": "actor", "session_ref": "session"}


@pytest.fixture(scope="module")
def thousands(django_db_setup, django_db_blocker):
    """Log of three thousand entries, with statistics, gone afterwards."""
    with django_db_blocker.unblock():
        DatabaseSink().emit([entry(n) for n in range(3000)])
        table = connection.ops.quote_name(AuditLog._meta.db_table)
        verb = "ANALYZE TABLE" if connection.vendor == "mysql" else "ANALYZE"
        with connection.cursor() as cursor:
            cursor.execute(f"{verb} {table}")
        yield
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table}")


def entry(n):
    at = NOON + timedelta(seconds=n)
    return make_entry(
        id=first_id_at(at),
        event=("auth.logout", "auth.login.success", "auth.login.failure")[n % 3],
        outcome="failure" if n % 3 == 2 else "success",
        user_id=n % 50 + 1,
        username=f"user{n % 50}",
        actor_id=n % 50 + 1,
        actor_username=f"user{n % 50}",
        email=f"user{n % 50}@example.com",
        ip_address=f"203.0.113.{n % 50}",
        session_ref=f"s{n % 50}",
        request_id=f"r{n}",
    )


@pytest.mark.parametrize("column", TRACKS)
@pytest.mark.parametrize("direction", ["newest", "oldest"])
def test_a_page_is_read_from_the_index_of_its_column(thousands, column, direction):
    span = Span(
        first_id_at(NOON + timedelta(minutes=5)), first_id_at(NOON + timedelta(minutes=45))
    )
    track = Track(column, TRACKS[column])
    page = getattr(track, direction)(AuditLog.objects.all(), span)[:21]

    plan = page.explain()

    assert len(page) > 0
    assert f"authaudit_{INDEXES.get(column, column)}" in plan
    assert not re.search(r"filesort|TEMP B-TREE|\bSort\b|\bALL\b", plan)


@pytest.mark.parametrize("direction", ["newest", "oldest"])
def test_a_page_of_everything_is_read_by_the_key(thousands, direction):
    span = Span(
        first_id_at(NOON + timedelta(minutes=5)), first_id_at(NOON + timedelta(minutes=45))
    )
    plan = getattr(Track(), direction)(AuditLog.objects.all(), span)[:21].explain()

    assert re.search(r"PRIMARY|_pkey|autoindex|sqlite_autoindex", plan)
    assert not re.search(r"filesort|TEMP B-TREE|\bSort\b|\bALL\b", plan)

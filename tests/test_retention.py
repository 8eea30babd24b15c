"""Entries leave by age: which, how, and what is said of it."""

import itertools
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.db.models import signals
from django.test.utils import CaptureQueriesContext

from django_authaudit import record
from django_authaudit.models import AuditLog
from django_authaudit.retention import RetentionError, batches, cutoff_for, expired, prune
from tests.management.rows import MILLISECOND, days_ago, row_at, store

pytestmark = pytest.mark.django_db
really_committed = pytest.mark.django_db(transaction=True)


def run(cutoff, **options):
    """Prune, and return how many entries each transaction deleted."""
    return [batch.count for batch in prune(cutoff, **options)]


@pytest.fixture
def pruned(rows):
    """Return a function that reads what was recorded of prunings."""

    def read(database="default"):
        found = AuditLog.objects.using(database).filter(event="audit.pruned").order_by("pk")
        return [(row.outcome, row.metadata) for row in found]

    return read


# --- which entries go


def test_an_entry_of_the_cutoff_stays_and_one_of_a_millisecond_before_goes():
    cutoff = days_ago(90).replace(microsecond=123_000)
    AuditLog.objects.bulk_create([row_at(cutoff - MILLISECOND), row_at(cutoff)])

    assert run(cutoff) == [1]
    assert AuditLog.objects.filter(event="auth.logout").get().created_at == cutoff


def test_a_cutoff_between_two_milliseconds_takes_what_happened_before_it():
    cutoff = days_ago(90).replace(microsecond=123_000)
    AuditLog.objects.bulk_create([row_at(cutoff), row_at(cutoff + MILLISECOND)])

    assert run(cutoff + timedelta(microseconds=1)) == [1]
    kept = AuditLog.objects.get(event="auth.logout")
    assert kept.created_at == cutoff + MILLISECOND


def test_all_entries_of_one_millisecond_go_together_however_batches_divide_them():
    moment = days_ago(100)
    AuditLog.objects.bulk_create([row_at(moment, number) for number in range(25)])

    assert run(days_ago(90), batch_size=10) == [10, 10, 5]


def test_what_is_young_enough_stays():
    store(3, days_ago(89))
    record("auth.logout")

    assert run(days_ago(90)) == [0]
    assert AuditLog.objects.filter(event="auth.logout").count() == 4


def test_the_oldest_go_first():
    moments = [days_ago(120), days_ago(110), days_ago(100)]
    for moment in reversed(moments):
        store(1, moment)

    with closing(prune(days_ago(90), batch_size=1)) as going:
        until = [next(going).until, next(going).until]

    assert [f"{moment:%Y-%m-%d}" for moment in until] == [f"{m:%Y-%m-%d}" for m in moments[:2]]
    assert AuditLog.objects.exclude(event="audit.pruned").count() == 1


# --- by their event


numbers = itertools.count(1)
"""No two entries of a millisecond may have the same id."""


def of_event(event, days, count=1):
    """Store entries of `event` that many days old."""
    for row in (row_at(days_ago(days), next(numbers)) for _ in range(count)):
        row.event = event
        row.save()


def events_left():
    return list(
        AuditLog.objects.exclude(event="audit.pruned")
        .order_by("pk")
        .values_list("event", flat=True)
    )


@pytest.mark.parametrize("work", ["prune", "count"])
def test_the_longest_prefix_says_how_long_an_entry_is_kept(settings, work):
    settings.AUTHAUDIT_RETENTION = {
        "auth.": 200,
        "auth.login.": 30,
        "auth.login.failure": 300,
        "authz.": None,
    }
    stay = ["authz.forbidden", "auth.login.failure", "auth.logout", "account.created"]
    for event, days in zip(stay, (4_000, 299, 199, 89), strict=True):
        of_event(event, days)
    for event, days in (
        ("auth.login.failure", 301),
        ("auth.logout", 201),
        ("account.created", 91),
        ("auth.login.success", 31),
    ):
        of_event(event, days)
    assert expired(days_ago(90)).count() == 4

    if work == "prune":
        assert sum(run(days_ago(90))) == 4
        assert events_left() == stay


def test_without_an_end_nothing_leaves_but_what_has_one(settings):
    settings.AUTHAUDIT_RETENTION = {"a": None}
    of_event("auth.logout", 5_000)
    of_event("billing.card_changed", 91)

    assert sum(run(days_ago(90))) == 1
    assert events_left() == ["auth.logout"]


def test_what_is_older_than_every_period_leaves_together(settings):
    settings.AUTHAUDIT_RETENTION = {"auth.login.": 30, "authz.": 400}
    for event in ("auth.login.success", "authz.forbidden", "account.created"):
        of_event(event, 500, count=4)
    of_event("auth.login.success", 50, count=3)

    assert run(days_ago(90)) == [12, 3]
    assert events_left() == []


def test_the_days_given_are_for_events_without_a_period(settings):
    settings.AUTHAUDIT_RETENTION = {"auth.": 400}
    of_event("auth.logout", 300)
    of_event("account.created", 300)

    assert sum(run(cutoff_for(200))) == 1
    assert events_left() == ["auth.logout"]


def test_entries_of_one_event_go_in_batches_too(settings):
    settings.AUTHAUDIT_RETENTION = {"auth.": 30}
    of_event("auth.logout", 31, count=25)

    assert run(days_ago(90), batch_size=10) == [0, 10, 10, 5]


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_entries_of_one_event_are_found_by_an_index(settings):
    settings.AUTHAUDIT_RETENTION = {"auth.": 30}
    of_event("auth.logout", 31, count=25)
    plans = []

    def explain(execute, sql, params, many, context):
        if "event" in sql and sql.startswith(("SELECT", "DELETE")):
            with connection.cursor() as cursor:
                steps = cursor.connection.execute(
                    "EXPLAIN QUERY PLAN " + sql.replace("%s", "?"), params or ()
                )
                plans.extend(step[-1] for step in steps)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        run(days_ago(90), batch_size=10)

    assert len([plan for plan in plans if "authaudit_event (event=? AND id" in plan]) >= 6
    assert [plan for plan in plans if "USING" not in plan] == []


def test_the_periods_are_recorded(settings, pruned):
    settings.AUTHAUDIT_RETENTION = {"auth.token": 30, "authz.": None}

    run(days_ago(90))

    [(_, facts)] = pruned()
    assert facts["retention"] == [
        {"prefix": "auth.token", "days": 30},
        {"prefix": "authz.", "days": None},
    ]


@pytest.mark.parametrize(
    ("periods", "message"),
    [
        ({"auth.": 0}, "0 days are fewer than AUTHAUDIT_MINIMUM_RETENTION_DAYS (1)"),
        ({"auth.": "30"}, "AUTHAUDIT_RETENTION['auth.']: '30' is no whole number of days"),
        ({"": 30}, "AUTHAUDIT_RETENTION: {'': 30} is no dict of prefixes and days, such as"),
        ([30], "AUTHAUDIT_RETENTION: [30] is no dict of prefixes and days, such as"),
    ],
)
def test_periods_that_make_no_sense_are_refused(settings, periods, message):
    settings.AUTHAUDIT_RETENTION = periods
    of_event("auth.logout", 5_000)

    with pytest.raises(RetentionError) as refusal:
        run(days_ago(90))
    assert str(refusal.value).startswith(message)
    assert events_left() == ["auth.logout"]


# --- how they go


def test_a_batch_never_has_more_rows_than_allowed():
    store(450, days_ago(100))

    counts = run(days_ago(90), batch_size=200)

    assert max(counts) <= 200
    assert sum(counts) == 450


@really_committed
def test_batches_grow_while_the_database_is_fast():
    store(2_000, days_ago(100))

    counts = run(days_ago(90))

    assert sum(counts) == 2_000
    assert max(counts) > counts[0] == 100


def test_batches_shrink_where_they_last_too_long(monkeypatch):
    monkeypatch.setattr(batches, "_AIM", 0.0)
    store(110, days_ago(100))

    assert run(days_ago(90)) == [100] + [1] * 10 + [0]


@really_committed
def test_each_batch_is_a_transaction_of_its_own():
    store(3, days_ago(100))
    left = []

    for _ in prune(days_ago(90), batch_size=2):
        assert not connection.in_atomic_block
        left.append(expired(days_ago(90)).count())

    assert left == [1, 0]


def test_a_statement_deletes_a_range_and_names_no_rows():
    store(300, days_ago(100))

    with CaptureQueriesContext(connection) as queries:
        run(days_ago(90), batch_size=100)

    deletes = [query["sql"] for query in queries if "DELETE FROM" in query["sql"]]
    assert len(deletes) == 4
    assert max(map(len, deletes)) < 500


def test_no_receiver_of_delete_signals_is_told():
    told = []
    store(3, days_ago(100))

    def on_delete(sender, **kwargs):
        told.append(sender)

    for signal in (signals.pre_delete, signals.post_delete):
        signal.connect(on_delete)
    try:
        assert run(days_ago(90)) == [3]
    finally:
        for signal in (signals.pre_delete, signals.post_delete):
            signal.disconnect(on_delete)
    assert told == []


@really_committed
def test_rows_that_another_pruner_took_meanwhile_are_not_counted():
    store(250, days_ago(100))
    other = []

    def delete_before(execute, sql, params, many, context):
        if "DELETE FROM" in sql and not other:
            other.append(expired(days_ago(90)).order_by("pk").values_list("pk", flat=True)[29])
            expired(days_ago(90)).filter(pk__lte=other[0])._raw_delete("default")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(delete_before):
        counts = run(days_ago(90))

    assert counts[:2] == [70, 100]
    assert sum(counts) == 220


@really_committed
def test_pruning_within_a_transaction_is_refused():
    store(1, days_ago(100))

    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        run(days_ago(90))
    assert expired(days_ago(90)).count() == 1


def test_pruning_works_within_the_transaction_of_a_test_case():
    store(150, days_ago(100))

    assert run(days_ago(90)) == [100, 50]
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)


@pytest.mark.skipif("connection.vendor != 'sqlite'")
def test_the_cache_of_sqlite_is_restored():
    def size():
        with connection.cursor() as cursor:
            return cursor.execute("PRAGMA cache_size").fetchone()

    before = size()
    for _ in prune(days_ago(90)):
        assert size() == (-32 * 1024,)
    assert size() == before


@pytest.mark.django_db(databases=["default", "audit"])
def test_another_database_is_pruned_and_the_log_says_so(pruned):
    store(3, days_ago(100), using="audit")
    store(2, days_ago(100))

    assert run(days_ago(90), using="audit") == [3]
    assert AuditLog.objects.using("audit").count() == 0
    assert [facts["database"] for _, facts in pruned()] == ["audit"]


@pytest.mark.django_db(databases=["default", "audit"])
def test_by_default_the_database_that_is_written_to_is_pruned(settings, pruned):
    settings.AUTHAUDIT_DATABASE = "audit"
    store(3, days_ago(100), using="audit")
    store(2, days_ago(100))

    assert expired(days_ago(90)).count() == 3
    assert run(days_ago(90)) == [3]
    assert [facts["database"] for _, facts in pruned("audit")] == ["audit"]
    assert AuditLog.objects.using("default").count() == 2


# --- what is said of it


@really_committed
def test_a_run_is_recorded_with_what_it_did(pruned):
    store(250, days_ago(100))
    cutoff = datetime.now(timezone.utc) - timedelta(days=90)

    run(cutoff)

    [(outcome, facts)] = pruned()
    assert outcome == "success"
    assert datetime.fromisoformat(facts.pop("cutoff").replace("Z", "+00:00")) == cutoff.replace(
        microsecond=cutoff.microsecond // 1000 * 1000
    )
    assert facts == {"count": 250, "retention_days": 90, "database": "default"}


def test_a_run_that_found_nothing_is_recorded_as_a_sign_of_life(pruned):
    run(days_ago(90))

    [(outcome, facts)] = pruned()
    assert (outcome, facts["count"]) == ("success", 0)


def test_a_run_that_is_broken_off_is_recorded_with_what_it_did_so_far(pruned):
    store(250, days_ago(100))

    with closing(prune(days_ago(90))) as going:
        next(going)

    [(outcome, facts)] = pruned()
    assert (outcome, facts["count"], facts["interrupted"]) == ("success", 100, True)
    assert expired(days_ago(90)).count() == 150


@really_committed
def test_a_run_that_fails_is_recorded_with_what_it_did_so_far(pruned):
    store(250, days_ago(100))

    def fail_at_the_second(execute, sql, params, many, context):
        if "DELETE FROM" in sql and "auditlog" in sql and expired(days_ago(90)).count() < 250:
            raise OperationalError("out of luck")
        return execute(sql, params, many, context)

    with (
        connection.execute_wrapper(fail_at_the_second),
        pytest.raises(OperationalError, match="out of luck"),
    ):
        run(days_ago(90))

    [(outcome, facts)] = pruned()
    assert (outcome, facts["count"], facts["interrupted"]) == ("failure", 100, True)
    assert facts["exception"] == "OperationalError"


def test_a_run_that_fails_before_it_deletes_anything_is_not_recorded(pruned):
    store(1, days_ago(100))

    def fail(execute, sql, params, many, context):
        if "DELETE FROM" in sql:
            raise DatabaseError("out of luck")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail), pytest.raises(DatabaseError, match="out of luck"):
        run(days_ago(90))

    assert pruned() == []


# --- what is refused


def test_the_setting_says_how_long_entries_are_kept(settings):
    settings.AUTHAUDIT_RETENTION_DAYS = 365

    cutoff = cutoff_for()

    assert (datetime.now(timezone.utc) - cutoff).days == 365


def test_the_days_given_come_before_the_setting(settings):
    settings.AUTHAUDIT_RETENTION_DAYS = 365

    cutoff = cutoff_for(30)

    assert (datetime.now(timezone.utc) - cutoff).days == 30


def test_a_minimum_of_zero_allows_to_delete_all(settings):
    settings.AUTHAUDIT_MINIMUM_RETENTION_DAYS = 0
    record("auth.logout")

    assert run(cutoff_for(0)) == [1]


def test_a_setting_below_the_minimum_is_refused_too(settings):
    settings.AUTHAUDIT_RETENTION_DAYS, settings.AUTHAUDIT_MINIMUM_RETENTION_DAYS = 30, 90

    with pytest.raises(RetentionError) as refusal:
        cutoff_for()
    assert str(refusal.value) == (
        "30 days are fewer than AUTHAUDIT_MINIMUM_RETENTION_DAYS (90): give at least as many, or "
        "change the setting."
    )


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (-1, "-1 days would put the cutoff in the future and delete the whole log: give the "
         "number of days to keep, such as 90."),
        (0, "0 days are fewer than AUTHAUDIT_MINIMUM_RETENTION_DAYS (1): give at least as many, "
         "or change the setting."),
        (10**6, "1000000 days ago there was no log: give a smaller number, such as 90."),
        (10**12, "1000000000000 days ago there was no log: give a smaller number, such as 90."),
        ("90", "days: '90' is no whole number of days, such as 90."),
        (True, "days: True is no whole number of days, such as 90."),
    ],
)  # fmt: skip
def test_days_that_make_no_sense_are_refused(days, message):
    with pytest.raises(RetentionError) as refusal:
        cutoff_for(days)
    assert str(refusal.value) == message


@pytest.mark.parametrize("name", ["RETENTION_DAYS", "MINIMUM_RETENTION_DAYS"])
@pytest.mark.parametrize("value", ["90", 1.5, None, False])
def test_settings_that_are_no_number_are_refused_by_name(settings, name, value):
    setattr(settings, f"AUTHAUDIT_{name}", value)

    with pytest.raises(RetentionError, match=f"^AUTHAUDIT_{name}: .* is no whole number of days"):
        cutoff_for()


@pytest.mark.parametrize("age", [timedelta(hours=-1), timedelta(days=-1), timedelta(hours=23)])
@pytest.mark.parametrize("work", [expired, prune])
def test_a_cutoff_that_is_too_young_is_refused_however_it_was_made(work, age, pruned):
    store(1, days_ago(100))

    with pytest.raises(RetentionError):
        work(datetime.now(timezone.utc) - age)
    assert pruned() == []
    assert AuditLog.objects.count() == 1


@pytest.mark.parametrize("size", [0, -1])
def test_a_batch_of_nothing_is_refused(size):
    with pytest.raises(RetentionError, match="give a size of at least 1"):
        prune(days_ago(90), batch_size=size)


def test_an_unknown_database_is_refused():
    with pytest.raises(RetentionError) as refusal:
        prune(days_ago(90), using="nowhere")
    assert str(refusal.value) == "There is no database 'nowhere': choose one of default, audit."

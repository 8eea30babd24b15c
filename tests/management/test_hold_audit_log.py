"""`hold_audit_log`: what is held stays, whatever its age, and who held it why is on record."""

import io
import itertools
from datetime import datetime, timedelta, timezone

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from django_authaudit import hardening, retention
from django_authaudit.models import AuditHold, AuditLog
from django_authaudit.retention import RetentionError, holds
from tests.management.rows import days_ago, row_at
from tests.management.test_prune_audit_log import ELSEWHERE

pytestmark = pytest.mark.django_db


numbers = itertools.count()


def call(*arguments, **options):
    out = io.StringIO()
    call_command("hold_audit_log", *arguments, stdout=out, **options)
    return out.getvalue()


def hold(*arguments, **options):
    return call(*arguments, "--reason", "lawsuit 7/26", "--by", "ines", **options)


def refusal(*arguments):
    with pytest.raises(CommandError) as refused:
        call(*arguments)
    assert refused.value.returncode == 2
    return str(refused.value)


def stored(name, days=100, **values):
    """Store an old entry whose path tells it apart."""
    row = row_at(days_ago(days), next(numbers))
    for field, value in {"path": name, **values}.items():
        setattr(row, field, value)
    row.save()


def prune():
    return sum(batch.count for batch in retention.prune(days_ago(90)))


def left():
    return set(AuditLog.objects.filter(event="auth.logout").values_list("path", flat=True))


@pytest.fixture
def ann(django_user_model):
    return django_user_model.objects.create_user("ann", email="ann@example.com", password="x")


@pytest.fixture
def log(ann):
    """Store entries of Ann in every role, and entries of others."""
    stored("as user", user_id=ann.pk, username="an older name")
    stored("as actor", user_id=ann.pk + 1, actor_id=ann.pk)
    stored("as a name", username="ann")
    stored("as an actor's name", actor_username="ann")
    stored("as an address", email="ann@example.com")
    stored("another", user_id=ann.pk + 1, username="bob", ip_address="192.0.2.9")
    stored("nobody", days=120)


HERS = {"as user", "as actor", "as a name", "as an actor's name", "as an address"}


# --- what is held stays


def test_a_person_is_held_in_every_role(log):
    hold("--user", "ann")

    assert retention.expired(days_ago(90)).count() == 2
    assert prune() == 2
    assert left() == HERS


def test_a_person_can_be_named_by_key_and_be_gone(log, ann):
    key = str(ann.pk)
    ann.delete()

    hold("--user", key)

    assert prune() == 2
    assert left() == HERS


def test_a_name_that_was_only_ever_typed_is_held(db):
    stored("typed", username="nobody-known")

    hold("--user", "nobody-known")

    assert prune() == 0


def test_an_address_is_held_however_it_is_written(db):
    stored("from there", ip_address="2001:db8::1")
    stored("from elsewhere", ip_address="2001:db8::2")
    stored("from nowhere")

    hold("--ip", "2001:0db8:0000::1")

    assert prune() == 2
    assert left() == {"from there"}


def test_a_period_is_held_from_its_beginning_to_before_its_end(db):
    since, until = (
        datetime(2020, 1, day, tzinfo=timezone(timedelta(hours=1))) for day in (10, 20)
    )
    for name, moment in {
        "before": since - timedelta(milliseconds=1),
        "first": since,
        "last": until - timedelta(milliseconds=1),
        "after": until,
    }.items():
        row = row_at(moment)
        row.path = name
        row.save()

    # Days begin in the project's time zone, Europe/Berlin.
    hold("--since", "2020-01-10", "--until", "2020-01-20")

    assert prune() == 2
    assert left() == {"first", "last"}


def test_what_is_given_together_has_to_hold_together(log, ann):
    stored("both", user_id=ann.pk, ip_address="192.0.2.9")

    hold("--user", "ann", "--ip", "192.0.2.9")

    prune()
    assert left() == {"both"}


def test_several_holds_add_up(log):
    hold("--user", "ann")
    hold("--ip", "192.0.2.9")

    prune()
    assert left() == HERS | {"another"}


def test_what_is_released_leaves_at_the_next_run(log):
    hold("--user", "ann")
    hold("--ip", "192.0.2.9")
    ours = AuditHold.objects.earliest("pk")
    prune()

    printed = call("--release", str(ours.pk), "--by", "otto")

    assert printed.startswith(f"Released: {ours.pk}  user ann")
    assert prune() == 5
    assert left() == {"another"}
    ours.refresh_from_db()
    assert ours.released_by == "otto"
    assert datetime.now(timezone.utc) - ours.released_at < timedelta(minutes=1)


def test_events_with_periods_of_their_own_are_held_too(log, settings):
    settings.AUTHAUDIT_RETENTION = {"auth.": 30}

    hold("--user", "ann")

    prune()
    assert left() == HERS


def test_a_hold_made_during_a_run_counts_from_the_next_batch(db):
    for number in range(4):
        stored(f"entry {number}", days=104 - number, ip_address="192.0.2.9")
    running = retention.prune(days_ago(90), batch_size=1)
    next(running)

    hold("--ip", "192.0.2.9")

    assert sum(batch.count for batch in running) == 0
    assert left() == {"entry 1", "entry 2", "entry 3"}


# --- what is on record


def test_who_held_what_and_why_is_on_record(log, ann):
    printed = hold("--user", "ann")
    (made,) = AuditHold.objects.all()
    call("--release", str(made.pk), "--by", "otto")

    today = datetime.now(timezone.utc)
    # With the making of her account and of the hold.
    assert printed == (
        f"Held: {made.pk}  user ann  {today:%Y-%m-%d} by ines: lawsuit 7/26\n"
        "Entries that it covers so far: 7.\n"
    )
    held, released = AuditLog.objects.filter(event__startswith="audit.h").order_by("pk")
    assert (held.event, released.event) == ("audit.held", "audit.hold_released")
    assert {held.user_id, released.user_id} == {ann.pk}
    common = {
        "command": "hold_audit_log",
        "hold": made.pk,
        "reason": "lawsuit 7/26",
        "database": "default",
    }
    assert held.metadata == {**common, "operator": "ines"}
    assert released.metadata == {**common, "operator": "otto"}


def test_the_conditions_of_a_hold_are_on_record(db):
    hold("--ip", "192.0.2.9", "--since", "2020-01-10T12:00+00:00", "--until", "2021-01-10")

    facts = AuditLog.objects.get(event="audit.held").metadata
    assert facts["address"] == "192.0.2.9"
    assert datetime.fromisoformat(facts["since"]) == datetime(2020, 1, 10, 12, tzinfo=timezone.utc)
    assert facts["until"] == "2021-01-10T00:00:00+01:00"


def test_a_list_shows_the_holds_in_force(log):
    hold("--user", "ann")
    hold("--ip", "192.0.2.9", "--since", "2020-01-10")
    first, second = AuditHold.objects.order_by("pk")

    lines = call("--list", verbosity=0).splitlines()

    assert [line.partition("  ")[0] for line in lines] == [str(first.pk), str(second.pk)]
    assert "address 192.0.2.9, since 2020-01-" in lines[1]
    call("--release", str(first.pk))
    assert len(call("--list").splitlines()) == 1


def test_without_a_name_the_systems_user_is_on_record(db, monkeypatch):
    monkeypatch.setenv("LOGNAME", "cronjob")

    call("--ip", "192.0.2.9", "--reason", "x")

    assert AuditHold.objects.get().held_by == "cronjob"


def test_it_is_silent_when_asked_to_be(db):
    assert hold("--ip", "192.0.2.9", verbosity=0) == ""


# --- what is refused


def test_a_hold_without_a_reason_is_refused(db):
    assert refusal("--ip", "192.0.2.9", "--reason", " ") == "A hold needs a reason."
    assert refusal("--ip", "192.0.2.9") == "A hold needs a reason."


def test_a_hold_of_nothing_is_refused(db):
    assert refusal("--reason", "x") == "Say what to hold: a user, an address or a period."


def test_a_period_that_ends_before_it_begins_is_refused(db):
    arguments = ("--since", "2020-02-01", "--until", "2020-02-01", "--reason", "x")
    assert refusal(*arguments) == "The period ends before it begins."


def test_nobody_is_refused(db):
    message = "Neither an account nor an entry is known by 'nobody'."
    assert refusal("--user", "nobody", "--reason", "x") == message


def test_a_name_of_several_accounts_that_are_gone_is_refused(db):
    for key in (901, 902):
        stored(str(key), user_id=key, username="ann")

    assert refusal("--user", "ann", "--reason", "x") == (
        "Several accounts were named 'ann', and none of them is left: give the key of one."
    )


def test_releasing_what_is_not_in_force_is_refused(db):
    hold("--ip", "192.0.2.9")
    number = AuditHold.objects.get().pk
    call("--release", str(number))

    assert refusal("--release", str(number)) == f"No hold {number} is in force."


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ip", "here"], "argument --ip: 'here' is no IP address"),
        (["--since", "soon"], "argument --since: 'soon' is no date or time, such as 2026-01-31"),
        (["--until", "2026-02-30"], "argument --until: '2026-02-30' is no date or time"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(CommandError) as refused:
        call(*arguments)
    assert message in str(refused.value)


def test_an_unknown_database_is_refused(db):
    with pytest.raises(RetentionError, match="no database 'nowhere'"):
        retention.entries_of("nowhere")


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_status_two(project):
    environment, message = ELSEWHERE[connection.vendor]

    status, out, err = project.run("hold_audit_log", "--list", **environment)

    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


# --- who else could release it


@pytest.mark.django_db(transaction=True)
def test_in_a_hardened_log_only_the_command_releases_a_hold(db):
    hardening.enable("default")
    try:
        hold("--ip", "192.0.2.9")
        for statement in ("UPDATE {} SET released_by = 'me'", "DELETE FROM {}"):
            statement = statement.format(AuditHold._meta.db_table)
            with (
                pytest.raises(DatabaseError, match="only grows"),
                transaction.atomic(),
                connection.cursor() as cursor,
            ):
                cursor.execute(statement)
        call("--release", str(AuditHold.objects.get().pk))
        assert not holds.active("default").exists()
    finally:
        hardening.disable("default")


def test_without_time_zones_periods_are_held_all_the_same(db):
    stored("there", days=100)
    moment = AuditLog.objects.get().created_at

    with override_settings(USE_TZ=False):
        hold("--since", f"{moment:%Y-%m-%d}", "--until", f"{moment + timedelta(days=2):%Y-%m-%d}")

        assert prune() == 0
        assert call("--list").count("since") == 1

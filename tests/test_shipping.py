"""Sinks that are not in line get everything, in order, and once."""

import threading
import time

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from django_authaudit import record, shipments, shipping, spool
from django_authaudit.entry import Entry, make_entry, new_id
from django_authaudit.integrity.writers import Writer
from django_authaudit.models import (
    AuditLog,
    AuditShipment,
    AuditShipmentRejection,
    AuditShipmentWriter,
)
from django_authaudit.shipments import numbers
from django_authaudit.sinks.database import DatabaseSink
from tests.management.rows import days_ago
from tests.sinks.receivers import (
    DATABASE,
    Moody,
    Receiver,
    entries,
    receivers,
    ship,
    sink,
    store,
    took,
)

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["receivers"]


class Slow(Moody):
    """Takes so long to answer that the shipper's hold on the sink is nearly over each time."""

    def emit(self, entries):
        shipment = AuditShipment.objects.get()
        HELD.append(shipment.held_until > timezone.now())
        AuditShipment.objects.update(held_until=timezone.now() - shipments.LEASE)
        super().emit(entries)


HELD: list = []


def test_a_sink_that_is_shipped_to_has_everything_in_order():
    for name in ("ada", "bob", "cy"):
        record("auth.logout", username=name)
    assert took() == []

    ship()

    assert took() == ["ada", "bob", "cy"]


def test_nothing_is_shipped_twice():
    store("ada", "bob")
    ship()
    ship()
    store("cy")
    ship()

    assert Receiver.boxes["main"] == [["ada", "bob"], ["cy"]]


def test_batches_are_as_large_as_the_sink_takes_them(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(batch_size=2)}
    store("a", "b", "c", "d", "e")

    ship()

    assert Receiver.boxes["main"] == [["a", "b"], ["c", "d"], ["e"]]


def test_a_sink_gets_what_was_stored_bit_by_bit(monkeypatch):
    got = []
    monkeypatch.setattr(Receiver, "emit", lambda self, entries: got.extend(entries))
    made = Writer().number(
        [
            make_entry(
                id=new_id(),
                event="auth.login.failure",
                outcome="failure",
                user_id=7,
                username="zoë 🙂",
                ip_address="2001:db8::1",
                metadata={"reason": "x", "nested": {"a": [1, None, True]}},
            )
        ]
    )
    DatabaseSink().emit(made)

    ship()

    (entry,) = got
    assert isinstance(entry, Entry)
    assert entry == made[0]


def test_an_entry_that_is_replayed_an_hour_later_is_shipped_once():
    hour_ago = days_ago(1 / 24)
    writer = Writer()
    late = entries("spooled", writer=writer, moment=hour_ago)
    store("ada", writer=writer)
    store("bob")
    ship()
    spool.append("default", late)
    call_command("replay_audit_log", verbosity=0)

    ship()
    ship()

    assert took() == ["ada", "bob", "", "spooled"]  # "" is the entry of the replay


def test_late_entries_of_a_writer_that_was_never_heard_of_are_shipped_once():
    store("ada")
    ship()
    store("old", "older", moment=days_ago(30))

    ship()
    ship()

    assert took() == ["ada", "old", "older"]


def test_the_last_entry_of_a_writer_may_be_late_too():
    writer = Writer()
    store("ada", writer=writer)
    late = entries("late", writer=writer)
    store("bob")
    ship()
    DatabaseSink().emit(late)

    ship()
    ship()

    assert took() == ["ada", "bob", "late"]


def test_many_late_entries_of_many_writers_come_in_batches(settings, monkeypatch):
    monkeypatch.setattr(numbers, "_CONDITIONS", 5)
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(batch_size=2)}
    store("ada")
    ship()
    for number in range(13):
        store(f"late{number}", moment=days_ago(2 + number))

    ship()

    assert len(took()) == len(set(took())) == 14
    assert {len(batch) for batch in Receiver.boxes["main"]} == {1, 2}


@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_a_transaction_held_open_across_a_run_loses_nothing():
    other = connections.create_connection("default")
    other.inc_thread_sharing()
    here = connections["default"]
    held = entries("held")
    try:
        connections["default"] = other
        with transaction.atomic():
            DatabaseSink().emit(held)
            connections["default"] = here
            store("ada")
            ship()
            assert took() == ["ada"]
            connections["default"] = other
    finally:
        other.close()
        connections["default"] = here

    ship()
    ship()

    assert took() == ["ada", "held"]


def test_a_position_is_compact_and_knows_the_holes():
    writer = Writer()
    one, two, three, four, five = entries(*"12345", writer=writer)
    DatabaseSink().emit([two, five])
    ship()
    row = AuditShipmentWriter.objects.get()
    assert (row.last, row.missing) == (5, [[1, 1], [3, 4]])

    DatabaseSink().emit([three])
    ship()
    row.refresh_from_db()
    assert (row.last, row.missing) == (5, [[1, 1], [4, 4]])

    DatabaseSink().emit([one, four])
    ship()
    row.refresh_from_db()
    assert (row.last, row.missing) == (5, [])
    assert took() == ["2", "5", "3", "1", "4"]


def test_a_sink_that_takes_nothing_at_first_has_no_late_entries(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    ship()
    store("ada")
    ship()

    assert took() == ["ada"]


def test_late_entries_are_not_looked_for_each_time(monkeypatch):
    monkeypatch.setattr(shipping, "_LOOK_FOR_LATE", 3600.0)
    (route,) = shipping.routes()
    store("ada")
    list(shipping.ship(route))
    store("late", moment=days_ago(1))

    list(shipping.ship(route))
    assert took() == ["ada"]

    route.late_due = 0.0
    list(shipping.ship(route))
    assert took() == ["ada", "late"]


def test_entries_without_a_writer_are_shipped_in_order():
    store("ada")
    AuditLog.objects.create(event="auth.logout", outcome="success", created_at=days_ago(0))

    ship()
    ship()

    assert took() == ["ada", ""]


def test_each_sink_has_a_position_of_its_own(settings):
    store("ada")
    ship()
    settings.AUTHAUDIT_SINKS |= {"archive": sink(box="archive")}

    ship()

    assert took() == took("archive") == ["ada"]


def test_a_sink_can_be_shipped_to_alone(settings):
    settings.AUTHAUDIT_SINKS |= {"archive": sink(box="archive")}
    store("ada")

    ship("archive")

    assert (took(), took("archive")) == ([], ["ada"])


def test_an_unknown_name_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"no sink 'database' .*siem"):
        shipping.routes(["database"])


def test_a_sink_that_is_away_for_a_moment_is_tried_again(settings, caplog):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.down = shipping.TRIES - 1
    store("ada")

    (route,) = ship()

    assert took() == ["ada"]
    assert route.error == ""
    assert "shipping to 'siem' failed" in caplog.text


def test_a_sink_that_stays_away_is_given_up_and_says_why(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody), "other": sink()}
    Moody.down = 1000
    store("ada")

    siem, other = ship()

    assert siem.error == "UnavailableError: away"
    assert len(Moody.tries) == shipping.TRIES
    assert (took(), other.error) == (["ada"], "")
    (state, _) = shipments.states(using="default")
    assert (state.waiting, state.error) == (1, "UnavailableError: away")
    assert state.failing_since is not None


def test_a_retry_forgets_no_failure_and_notes_its_own(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"bob"}
    store("ada", "bob")
    ship()
    Moody.down = 1000
    retried = shipping.routes()
    list(shipping.run(retried, follow=False, stopped=bool, work=shipping.retry))
    (state,) = shipments.states(using="default")
    assert (state.rejected, state.error) == (1, "UnavailableError: away")
    since = state.failing_since
    assert since is not None

    Moody.down = 0
    retried = shipping.routes()
    list(shipping.run(retried, follow=False, stopped=bool, work=shipping.retry))
    (state,) = shipments.states(using="default")
    assert (state.rejected, state.failing_since) == (1, since)

    ship()
    (state,) = shipments.states(using="default")
    assert (state.error, state.failing_since) == ("", None)


def test_a_database_that_fails_says_nothing_of_the_sink(settings, monkeypatch):
    def fail(*arguments):
        raise OperationalError("the database is away")

    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.down = 1000
    store("ada")
    ship()
    monkeypatch.setattr(shipments, "waiting", fail)

    ship()

    (state,) = shipments.states(using="default")
    assert state.error == "UnavailableError: away"
    assert state.failing_since is not None


def test_what_waited_through_an_outage_is_caught_up_and_the_failure_forgotten(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody, batch_size=100)}
    Moody.down = 1000
    names = [f"user{number}" for number in range(1000)]
    store(*names[:300])
    ship()
    store(*names[300:])
    ship()
    Moody.down, tries = 0, len(Moody.tries)

    ship()

    assert took() == names
    assert Moody.tries[tries:] == [100] * 10
    (state,) = shipments.states(using="default")
    assert (state.shipped, state.waiting, state.error) == (1000, 0, "")
    assert state.failing_since is None


def test_a_receiver_that_asks_for_more_time_than_a_run_has_is_left_alone(settings, monkeypatch):
    class Busy(Moody):
        def emit(self, entries):
            self.tries.append(len(entries))
            raise shipping.UnavailableError("busy", retry_after=3600)

    monkeypatch.setattr(Moody, "emit", Busy.emit)
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    store("ada")

    (route,) = ship()

    assert (len(Moody.tries), route.error) == (1, "UnavailableError: busy")


def test_a_receiver_that_asks_for_a_year_gets_an_hour(settings):
    class Absurd(Moody):
        def emit(self, entries):
            raise shipping.UnavailableError("busy", retry_after=366 * 86_400.0)

    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    store("ada")
    (route,) = shipping.routes()
    route.sink = Absurd()

    list(shipping.run([route], follow=False, stopped=bool, work=shipping.ship))

    assert route.due <= time.monotonic() + shipping.LONGEST_ASKED


def test_a_poisonous_entry_is_set_aside_and_the_others_go_on(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"poison"}
    made = store("a", "b", "poison", "c", "d")

    ship()

    assert took() == ["a", "b", "c", "d"]
    rejection = AuditShipmentRejection.objects.get()
    assert (rejection.entry, rejection.error) == (made[2].id, "cannot be read")
    told = AuditLog.objects.get(event="audit.shipment_rejected")
    assert (told.outcome, told.metadata) == ("failure", {"sink": "siem", "count": 1})
    ship()
    assert took() == ["a", "b", "c", "d", ""]


@pytest.mark.parametrize("names", [("poison", "a"), ("a", "poison"), ("poison", "poison", "a")])
def test_poison_may_stand_anywhere(settings, names):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"poison"}
    store(*names)

    ship()

    assert took() == ["a"]
    assert AuditShipmentRejection.objects.count() == names.count("poison")


def test_the_sink_is_held_as_long_as_it_rejects_one_piece_after_another(settings, monkeypatch):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Slow)}
    monkeypatch.setattr(Moody, "poison", {"bob"})
    HELD.clear()
    store("bob", "cy", "dan", "eve")

    ship()

    assert HELD == [True] * 5
    assert took() == ["cy", "dan", "eve"]


@pytest.mark.parametrize("number", [1, 9, 100])
def test_a_receiver_that_rejects_everything_costs_no_entry(settings, number):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"poison"}
    store(*["poison"] * number)

    (route,) = ship()

    assert route.error == "It takes nothing, and says: cannot be read"
    assert AuditShipmentRejection.objects.count() == 0
    Moody.poison = set()
    ship()
    assert took() == ["poison"] * number


def test_two_shippers_at_once_ship_each_entry_once(settings, monkeypatch):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(batch_size=5)}
    monkeypatch.setattr(shipping, "POLL", 0.01)
    names = [f"user{number}" for number in range(100)]
    store(*names)

    def work():
        ship()
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ship()
    assert took() == names


def test_a_sink_that_another_shipper_has_is_left_to_it():
    store("ada")
    shipments.take("siem", "another", using="default")

    (route,) = ship()

    assert (took(), route.error) == ([], "Another process ships to 'siem'.")


def test_a_shipper_that_was_killed_is_followed_by_another():
    store("ada")
    shipments.take("siem", "another", using="default")
    past = AuditShipment.objects.get().held_until - 2 * shipments.LEASE
    AuditShipment.objects.update(held_until=past)

    ship()

    assert took() == ["ada"]


def test_a_shipper_that_lost_the_sink_to_another_notes_nothing(monkeypatch):
    store("ada")

    def emit(self, entries):
        AuditShipment.objects.update(holder="another")

    monkeypatch.setattr(Receiver, "emit", emit)

    (route,) = ship()

    assert route.error == "Another process ships to 'siem' by now."
    assert AuditShipment.objects.get().holder == "another"
    assert AuditShipment.objects.get().position is None


def test_a_shipper_lets_the_sink_go():
    store("ada")
    ship()

    assert (AuditShipment.objects.get().holder, AuditShipment.objects.get().held_until) == (
        "",
        None,
    )


def test_a_database_that_fails_is_tried_again(monkeypatch):
    store("ada")
    take, failures = shipments.take, [1, 1]

    def fail_twice(*args, **options):
        if failures:
            failures.pop()
            raise OperationalError("gone away")
        return take(*args, **options)

    monkeypatch.setattr(shipments, "take", fail_twice)

    (route,) = ship()

    assert (took(), route.error) == (["ada"], "")


def test_one_that_follows_ships_what_comes_until_it_is_stopped(monkeypatch):
    monkeypatch.setattr(shipping, "POLL", 0.01)
    store("ada")
    seen = []

    for batch in shipping.run(
        shipping.routes(), follow=True, stopped=lambda: len(seen) >= 3, work=shipping.ship
    ):
        seen.append(batch.taken)
        store("next")

    assert took() == ["ada", "next", "next"]


def test_what_was_not_shipped_is_not_let_go(settings):
    settings.AUTHAUDIT_SINKS |= {"archive": sink(Moody, box="archive")}
    log = AuditLog.objects.order_by("pk")
    old = store("a", "poison", "b", moment=days_ago(100))

    assert not shipments.shipped(log).exists()
    ship("siem")
    assert not shipments.shipped(log).exists()
    Moody.poison = {"poison"}
    ship()
    store("new")
    store("late", moment=days_ago(200))
    gone = [entry.id for entry in old if entry.username != "poison"]
    assert list(shipments.shipped(log).values_list("pk", flat=True)) == gone


def test_many_late_entries_hold_back_what_is_newer(monkeypatch):
    monkeypatch.setattr(shipments, "MOST_KEPT", 3)
    (older,) = store("older", moment=days_ago(300))
    store("newer", moment=days_ago(10))
    ship()
    store(*"1234", moment=days_ago(100))

    assert [row.pk for row in shipments.shipped(AuditLog.objects.all())] == [older.id]


def test_without_a_sink_to_ship_to_all_may_go(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE}
    store("ada")

    assert shipments.shipped(AuditLog.objects.all()).count() == 1
    assert ship() == []

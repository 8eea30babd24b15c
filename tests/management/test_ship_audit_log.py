"""`ship_audit_log` as cron and systemd run it: what it prints, its exit status, its endings."""

import io
import os
import re
import signal
import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_authaudit import retention, shipments, shipping
from django_authaudit.models import AuditLog, AuditShipment
from tests.integrity.log import TABLE, sql
from tests.management.rows import days_ago
from tests.sinks.receivers import DATABASE, Moody, Receiver, receivers, ship, sink, store, took

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["receivers"]


def run(*sinks, **options):
    """Run the command in this process, and return what it printed."""
    out = io.StringIO()
    call_command("ship_audit_log", *sinks, stdout=out, **options)
    return out.getvalue()


def refusal(*sinks, **options):
    """Run the command, which has to fail with status 2, and return what it said."""
    with pytest.raises(CommandError) as caught:
        run(*sinks, **options)
    assert caught.value.returncode == 2
    return str(caught.value)


def test_it_says_how_many_entries_each_sink_has_had(settings):
    settings.AUTHAUDIT_SINKS |= {"archive": sink(box="archive")}
    store("ada", "bob")

    assert run() == "siem: entries shipped: 2.\narchive: entries shipped: 2.\n"
    assert run() == "siem: entries shipped: 0.\narchive: entries shipped: 0.\n"


def test_it_is_silent_when_asked_to_be():
    store("ada")

    assert run(verbosity=0) == ""
    assert took() == ["ada"]


def test_sinks_can_be_named(settings):
    settings.AUTHAUDIT_SINKS |= {"archive": sink(box="archive")}
    store("ada")

    assert run("archive") == "archive: entries shipped: 1.\n"


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the others check what they store")
def test_an_entry_that_cannot_be_read_is_an_error():
    store("ada")
    sql(f"UPDATE {TABLE} SET writer = 'x'")

    assert refusal() == "The log has entries that cannot be read: verify_audit_log names them."


def test_an_unknown_sink_is_an_error():
    assert refusal("splunk").startswith("AUTHAUDIT_SINKS has no sink 'splunk'")


def test_a_sink_that_cannot_be_made_is_an_error(settings):
    settings.AUTHAUDIT_SINKS |= {"broken": sink(colour="red")}

    assert refusal().startswith("AUTHAUDIT_SINKS['broken']: TypeError")


def test_a_sink_that_stays_away_is_an_error_and_the_others_have_theirs(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody), "archive": sink()}
    Moody.down = 1000
    store("ada")

    assert refusal() == "siem: UnavailableError: away"
    assert took() == ["ada"]


def test_entries_that_were_set_aside_are_an_error(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"poison"}
    store("ada", "poison", "bob")

    assert refusal() == "siem: entries rejected and set aside: 1."
    assert took() == ["ada", "bob"]


def test_what_was_rejected_is_brought_again_when_the_receiver_was_mended(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"poison", "worse"}
    store("ada", "poison", "worse", "bob")
    refusal()
    Moody.poison = {"worse"}

    assert refusal(retry_rejected=True) == "siem: entries rejected and set aside: 1."
    assert took() == ["ada", "bob", "poison"]
    Moody.poison = set()
    assert run(retry_rejected=True) == "siem: entries shipped: 1.\n"
    assert run(retry_rejected=True) == "siem: entries shipped: 0.\n"
    (state,) = shipments.states(using="default")
    assert (state.shipped, state.rejected) == (4, 0)


def test_a_sink_that_is_away_is_asked_again_for_what_it_rejected(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    Moody.poison = {"poison"}
    store("ada", "poison")
    refusal()
    Moody.poison, Moody.down = set(), 2

    assert run(retry_rejected=True) == "siem: entries shipped: 1.\n"


def test_rejected_entries_are_not_followed():
    assert refusal(follow=True, retry_rejected=True).startswith("--retry-rejected is done once")


def test_without_the_tables_it_says_so(monkeypatch):
    with connection.schema_editor() as editor:
        editor.alter_db_table(AuditShipment, "django_authaudit_auditshipment", "away")
    try:
        assert re.search("auditshipment", refusal())
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(AuditShipment, "away", "django_authaudit_auditshipment")


def test_the_status_tells_how_far_each_sink_is(settings):
    settings.AUTHAUDIT_SINKS |= {"archive": sink(box="archive")}
    store("ada", "bob")
    ship("siem")
    store("cy")

    printed = run(status=True)

    assert re.sub(r"20\d\d-\S+ \S+ UTC", "<time>", printed) == (
        "siem\n"
        "  shipped        2\n"
        "  waiting        1\n"
        "  waiting since  <time>\n"
        "  last shipped   <time>\n"
        "  failing since  -\n"
        "  error          -\n"
        "  rejected       0\n"
        "archive\n"
        "  shipped        0\n"
        "  waiting        3\n"
        "  waiting since  <time>\n"
        "  last shipped   -\n"
        "  failing since  -\n"
        "  error          -\n"
        "  rejected       0\n"
    )
    assert took("archive") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_follows_ends_well_when_told_to_stop(number, monkeypatch, usual_signals):
    monkeypatch.setattr(shipping, "POLL", 0.01)
    store("ada")
    emit = Receiver.emit

    def emit_and_stop(self, entries):
        emit(self, entries)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(Receiver, "emit", emit_and_stop)

    assert run(follow=True) == "siem: entries shipped: 1.\n"
    assert [state.shipped for state in shipments.states(using="default")] == [1]
    assert AuditShipment.objects.get().holder == ""


def test_one_that_is_told_to_stop_says_that_it_has_not_done_all(
    settings, monkeypatch, usual_signals
):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(batch_size=1)}
    store("ada", "bob")
    emit = Receiver.emit

    def emit_and_stop(self, entries):
        emit(self, entries)
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Receiver, "emit", emit_and_stop)

    assert refusal() == "Stopped. Run it again to go on."
    assert took() == ["ada"]
    monkeypatch.setattr(Receiver, "emit", emit)
    run()
    assert took() == ["ada", "bob"]


def test_one_that_waits_for_a_sink_can_be_stopped(settings, monkeypatch, usual_signals):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink(Moody)}
    monkeypatch.setattr(shipping, "FIRST_PAUSE", 60.0)
    Moody.down = 1
    store("ada")
    stop = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    stop.start()

    assert refusal() == "siem: UnavailableError: away Stopped. Run it again to go on."
    stop.join()


def prune(**options):
    out = io.StringIO()
    call_command("prune_audit_log", stdout=out, **options)
    return re.sub(r"before .* UTC", "before then", out.getvalue())


def left():
    names = AuditLog.objects.order_by("pk").exclude(username="").values_list("username", flat=True)
    return list(names)


@pytest.mark.parametrize("archived", [False, True])
def test_what_was_not_shipped_is_pruned_only_if_it_is_asked_for(tmp_path, archived):
    options = {"archive": tmp_path / "archive"} if archived else {}
    store("a", "b", moment=days_ago(100))
    ship()
    store("c", "d", moment=days_ago(95))

    assert prune(dry_run=True) == "Entries that would be deleted: 2 (before then).\n"
    assert prune(**options) == (
        "Entries deleted: 2 (before then).\nEntries kept until every sink has had them: 2.\n"
    )
    assert left() == ["c", "d"]
    ship()
    assert prune(**options) == "Entries deleted: 2 (before then).\n"
    assert left() == []
    store("e", moment=days_ago(95))
    assert prune(unshipped=True, **options) == "Entries deleted: 1 (before then).\n"
    assert [name for name in took() if name] == [*"abcd"]


def test_what_was_archived_for_pruning_stays_where_a_new_sink_has_not_had_it(settings, tmp_path):
    store("a", "b", moment=days_ago(100))
    ship()
    store("new")
    deleting = retention.prune(days_ago(90), archive=tmp_path, batch_size=1)
    assert next(deleting).count == 1
    deleting.close()
    settings.AUTHAUDIT_SINKS |= {"archive": sink(box="archive")}

    prune(archive=tmp_path)
    assert left() == ["b", "new"]

    ship()
    prune(archive=tmp_path)
    assert left() == ["new"]
    assert took("archive")[0] == "b"

import pytest

from django_authaudit import record, reports, spool
from django_authaudit.entry import make_entry, new_id

pytestmark = pytest.mark.django_db


def test_an_event_that_can_be_recorded_is_covered_before_it_was_seen():
    found = reports.coverage({"auth.logout": ""}, using="default")
    (event,) = found.events
    assert (event.code, event.obstacle, event.seen, event.last) == ("auth.logout", "", 0, None)
    assert found.missing == ()
    assert found.sentence == (
        "1 auth event types found, all 1 are logged with timestamp and user ID."
    )


def test_an_event_that_could_never_be_recorded_counts_as_missing():
    found = reports.coverage({"auth.logout": "", "authz.forbidden": "no"}, using="default")
    assert [event.code for event in found.missing] == ["authz.forbidden"]
    assert found.sentence == (
        "2 auth event types found, 1 are logged with timestamp and user ID, 1 are not: "
        "authz.forbidden."
    )


def test_what_was_seen_is_counted_with_its_last_time(rows):
    for _ in range(3):
        record("auth.logout", username="bob")
    record("billing.card_changed")
    found = reports.coverage({"auth.logout": ""}, using="default")
    assert [(event.code, event.seen) for event in found.events] == [
        ("auth.logout", 3),
        ("billing.card_changed", 1),
    ]
    assert found.events[0].last == rows("auth.logout")[-1].created_at


def test_the_logs_own_events_are_no_auth_events():
    record("audit.pruned")
    assert reports.coverage({}, using="default").events == ()


def test_health_tells_what_was_lost_replayed_waits_and_was_set_aside(spool_dir, rows):
    record("audit.write_failed", metadata={"lost": 2})
    record("audit.write_failed", metadata={"lost": 3})
    record("audit.spool_replayed", metadata={"stored": 7})
    record("audit.pruned")
    entry = make_entry(id=new_id(), event="auth.logout", outcome="success")
    spool.append("default", [entry])
    (path,) = spool_dir.iterdir()
    path.with_suffix(".rejected").write_text("")
    found = reports.health(using="default")
    assert (found.entries_lost, found.entries_replayed) == (5, 7)
    assert (found.spool_files, found.rejected_files) == (1, 1)
    assert found.spool_folder == str(spool_dir)
    (pruned,) = rows("audit.pruned")
    assert found.last_pruned == found.last_entry == pruned.created_at


def test_an_empty_log_is_healthy():
    found = reports.health(using="default")
    assert (found.entries_lost, found.spool_files) == (0, 0)
    assert (found.last_entry, found.last_pruned) == (None, None)

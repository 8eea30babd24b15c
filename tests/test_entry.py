import os
import signal
import threading
from datetime import datetime, timedelta, timezone

import pytest

from django_authaudit import entry
from django_authaudit.entry import LIMITS, first_id_at, make_entry, new_id, time_of


def test_ids_are_version_7_and_rise_within_a_process():
    ids = [new_id() for _ in range(20_000)]
    assert {id.version for id in ids} == {7}
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_an_id_holds_the_time_in_milliseconds():
    before = datetime.now(timezone.utc)
    moment = time_of(new_id())
    assert before - timedelta(milliseconds=1) <= moment
    assert moment <= datetime.now(timezone.utc) + timedelta(milliseconds=5)
    assert moment.microsecond % 1000 == 0


def test_a_clock_that_steps_back_is_believed(monkeypatch):
    monkeypatch.setattr(entry.time, "time_ns", lambda: 1_000_000_000_000_000_000)
    assert time_of(new_id()) == datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)
    monkeypatch.setattr(entry.time, "time_ns", lambda: 999_000_000_000_000_000)
    assert time_of(new_id()).year == 2001
    assert time_of(new_id()) < datetime(2001, 9, 9, tzinfo=timezone.utc)


def test_a_full_counter_moves_on_to_the_next_millisecond(monkeypatch):
    monkeypatch.setattr(entry.time, "time_ns", lambda: 1_000_000_000_000_000_000)
    ids = [new_id() for _ in range(5000)]
    assert len(set(ids)) == 5000


def test_the_first_id_of_a_moment_bounds_the_entries_of_that_moment():
    moment = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
    assert time_of(first_id_at(moment)) == moment
    assert first_id_at(moment - timedelta(microseconds=1)) == first_id_at(moment)
    assert first_id_at(moment + timedelta(microseconds=1)) > first_id_at(moment)
    assert first_id_at(datetime(1960, 1, 1, tzinfo=timezone.utc)).int >> 80 == 0


def test_every_text_is_cut_to_its_column_and_named():
    made = make_entry(
        id=new_id(), event="auth.logout", outcome="success", user_agent="x" * 5000, username="bob"
    )
    assert len(made.user_agent) == LIMITS["user_agent"]
    assert made.metadata == {"truncated": {"user_agent": 5000}}


def test_created_at_is_the_time_of_the_id():
    made = make_entry(id=new_id(), event="auth.logout", outcome="success", metadata=None)
    assert made.created_at == time_of(made.id)
    assert made.metadata == {}


@pytest.mark.parametrize("given", [{"username": 7, "reason": 9000}, "a project's own word"])
def test_what_was_cut_is_said_whatever_the_caller_says_of_truncation(given):
    made = make_entry(
        id=new_id(),
        event="auth.logout",
        outcome="success",
        username="x" * 300,
        metadata={"truncated": given, "huge": ["y" * 900] * 10},
    )
    assert made.metadata["truncated"]["username"] == 300
    assert made.metadata["truncated"]["huge"] > 8000
    assert made.metadata["truncated"].get("reason") == (9000 if isinstance(given, dict) else None)


def test_a_child_that_is_forked_while_another_thread_makes_an_id_makes_its_own():
    """With the parent's lock it would wait for ever."""
    held, release = threading.Event(), threading.Event()

    def hold():
        with entry._lock:
            held.set()
            release.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(30)
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        new_id()
        os._exit(0)
    release.set()
    thread.join()
    assert os.waitpid(child, 0)[1] == 0

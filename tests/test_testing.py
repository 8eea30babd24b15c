"""The helpers for a project's own tests, used as a project uses them."""

import threading
from contextlib import suppress

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import transaction
from django.test import SimpleTestCase, TestCase

from django_authaudit import Event, delivery, events, record, register, testing
from django_authaudit.testing import assert_not_recorded, assert_recorded, capture_entries

CARD_CHANGED = "billing.card_changed"


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    monkeypatch.setattr(events, "_catalogue", dict(events._catalogue))
    register(Event(CARD_CHANGED, "Payment card changed"))


@pytest.fixture
def entries():
    with capture_entries() as entries:
        yield entries


@pytest.fixture
def bob(db):
    return User.objects.create_user("bob", "bob@example.com", "right")


def failed_login(client, name="bob"):
    return client.post("/login/", {"username": name, "password": "wrong"})


def message_of(*arguments, **expected):
    with pytest.raises(AssertionError) as caught:
        assert_recorded(*arguments, **expected)
    return str(caught.value)


class InASimpleTestCase(SimpleTestCase):
    def test_entries_are_seen_where_the_database_is_out_of_bounds(self):
        with capture_entries() as entries:
            self.client.get("/forbidden/")

        entry = assert_recorded("authz.forbidden", entries=entries, path="/forbidden/", user=None)
        assert entry.ip_address == "127.0.0.1"


class InATestCase(TestCase):
    def test_entries_are_seen_and_stored(self):
        with capture_entries() as entries:
            self.client.get("/forbidden/")

        captured = assert_recorded("authz.forbidden", entries=entries)
        assert assert_recorded("authz.forbidden").id == captured.id


def test_entries_are_seen_by_a_test_without_a_database(client, entries):
    client.get("/forbidden/")
    record(CARD_CHANGED)

    assert entries.events == ["authz.forbidden", CARD_CHANGED]


def test_entries_of_other_threads_are_seen(entries):
    thread = threading.Thread(target=record, args=[CARD_CHANGED])
    thread.start()
    thread.join()

    assert entries.events == [CARD_CHANGED]


@pytest.mark.django_db(transaction=True)
async def test_entries_of_async_requests_are_seen(async_client, threads):
    with capture_entries() as entries:
        await async_client.get("/forbidden-async/")

    assert_recorded("authz.forbidden", entries=entries)


def test_nothing_is_collected_before_and_after(client):
    record(CARD_CHANGED)
    with capture_entries() as entries:
        pass
    record(CARD_CHANGED)

    assert entries == []


def test_collecting_ends_with_an_exception_too():
    before = list(delivery.collectors)
    with pytest.raises(ZeroDivisionError), capture_entries():
        raise ZeroDivisionError

    assert delivery.collectors == before


def test_captures_nest(client):
    with capture_entries() as outer:
        record(CARD_CHANGED)
        with capture_entries() as inner:
            record(CARD_CHANGED)

    assert (len(outer), len(inner)) == (2, 1)


@pytest.mark.parametrize("transactional", [False, True])
def test_a_change_that_was_rolled_back_is_seen_as_such(request, transactional, entries):
    request.getfixturevalue("transactional_db" if transactional else "db")
    bob = User.objects.create_user("bob")
    with suppress(ZeroDivisionError), transaction.atomic():
        bob.is_staff = True
        bob.save()
        raise ZeroDivisionError

    assert_recorded(
        "authz.role.granted",
        entries=entries,
        user=bob,
        outcome="failure",
        metadata={"rolled_back": True},
    )
    assert entries.events == ["account.created", "authz.role.granted"]


def test_matching_entries_can_be_asked_for(client, bob, entries):
    failed_login(client)
    failed_login(client, "nobody")

    assert [entry.username for entry in entries.matching("auth.login.failure")] == [
        "bob",
        "nobody",
    ]
    assert [entry.event for entry in entries.matching(user=bob)] == ["auth.login.failure"]


def test_an_entry_is_found_by_its_facts(client, bob, entries):
    failed_login(client)

    for source in (entries, None):
        entry = assert_recorded(
            "auth.login.failure",
            entries=source,
            user=bob,
            actor=None,
            username="bob",
            outcome="failure",
            path="/login/",
            metadata={"reason": "invalid_password"},
        )
        assert entry.method == "POST"
        assert assert_recorded("auth.login.failure", entries=source, user=bob.pk).id == entry.id


def test_of_metadata_only_the_named_keys_are_compared(entries):
    record(CARD_CHANGED, metadata={"card": {"last": "4242", "brand": "visa"}, "by": "self"})

    assert_recorded(CARD_CHANGED, entries=entries, metadata={"card": {"last": "4242"}})
    assert_not_recorded(CARD_CHANGED, entries=entries, metadata={"card": {"last": "1111"}})
    assert_not_recorded(CARD_CHANGED, entries=entries, metadata={"card": "visa"})


def test_the_last_of_several_is_returned(entries):
    for number in range(3):
        record(CARD_CHANGED, metadata={"number": number})

    entry = assert_recorded(CARD_CHANGED, entries=entries, times=3)

    assert entry.metadata["number"] == 2


def test_a_failure_lists_what_was_recorded_and_what_came_near(client, bob):
    failed_login(client)

    assert message_of(
        "auth.login.failure", username="bob", metadata={"reason": "unknown_user"}
    ) == (
        "auth.login.failure with username='bob', metadata={'reason': 'unknown_user'} was not "
        "recorded.\n"
        "Nearest: metadata['reason'] is 'invalid_password'.\n"
        "Recorded were:\n"
        "  account.created success username='bob' email='bob@example.com'\n"
        "  auth.login.failure failure username='bob' email='bob@example.com' path='/login/' "
        "metadata={'reason': 'invalid_password'}"
    )


def test_a_failure_names_every_difference(entries):
    record(CARD_CHANGED, metadata={"card": {"last": "4242"}})

    message = message_of(
        CARD_CHANGED,
        entries=entries,
        username="bob",
        metadata={"card": {"last": "1111", "brand": "visa"}},
    )
    assert (
        "Nearest: username is '', metadata['card']['last'] is '4242', "
        "metadata['card'] has no 'brand'."
    ) in message


def test_a_failure_says_so_when_nothing_was_recorded(entries):
    assert message_of(CARD_CHANGED, entries=entries) == (
        f"{CARD_CHANGED} was not recorded.\nNothing was recorded."
    )


def test_a_failure_says_how_often_it_was(entries):
    record(CARD_CHANGED)
    record(CARD_CHANGED)

    assert f"{CARD_CHANGED} was not recorded once but 2 times." in message_of(
        CARD_CHANGED, entries=entries
    )
    assert f"{CARD_CHANGED} was not recorded 3 times but 2." in message_of(
        CARD_CHANGED, entries=entries, times=3
    )


def test_a_long_list_is_cut_at_its_beginning(entries):
    for _ in range(25):
        record(CARD_CHANGED)

    lines = message_of("auth.logout", entries=entries).splitlines()

    assert lines[2] == "  ... (5 before)"
    assert len(lines) == 23


def test_a_typo_in_the_event_is_told(entries):
    assert "The catalogue has no event 'auth.login.failed'. Did you mean 'auth.login.fail" in (
        message_of("auth.login.failed", entries=entries)
    )
    assert "The catalogue has no event 'zzz.zzz'.\n" in message_of("zzz.zzz", entries=entries)


def test_what_was_not_to_happen_and_did_is_told(entries):
    assert_not_recorded(CARD_CHANGED, entries=entries)
    record(CARD_CHANGED, username="bob")
    assert_not_recorded(CARD_CHANGED, entries=entries, username="alice")

    with pytest.raises(AssertionError, match=r"changed with username='bob' was rec"):
        assert_not_recorded(CARD_CHANGED, entries=entries, username="bob")


def test_what_could_never_be_recorded_is_no_proof(entries):
    with pytest.raises(ValueError, match=r"Did you mean 'auth\.logout'"):
        assert_not_recorded("auth.log_out", entries=entries)


def test_none_at_all_is_asserted_by_the_other_function(entries):
    with pytest.raises(ValueError, match="assert_not_recorded"):
        assert_recorded(CARD_CHANGED, entries=entries, times=0)


def test_a_typo_in_a_fact_is_told(entries):
    record(CARD_CHANGED)

    with pytest.raises(TypeError, match=r"No entry has ip\. It has .*ip_address"):
        assert_recorded(CARD_CHANGED, entries=entries, ip="127.0.0.1")


def test_the_table_is_asked_where_the_log_is_kept(settings, transactional_db):
    record(CARD_CHANGED)

    assert assert_recorded(CARD_CHANGED).event == CARD_CHANGED


@pytest.mark.django_db(transaction=True)
async def test_captured_entries_can_be_asked_in_an_event_loop(threads, entries):
    await sync_to_async(authenticate)(username="nobody", password="wrong")

    assert_recorded("auth.login.failure", entries=entries, metadata={"reason": "unknown_user"})


def test_pytest_is_not_needed():
    assert "pytest" not in vars(testing)

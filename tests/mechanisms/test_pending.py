"""A source finds what the request has recorded so far, and says more of it."""

import pytest
from django.contrib.auth import get_user_model

from django_authaudit import events, recorder
from django_authaudit.mechanisms import pending


@pytest.fixture
def bob(db):
    return get_user_model()(pk=7, username="bob", email="bob@example.org")


def test_drafts_are_found_by_event_and_account(act, bob, rows):
    found = []

    def view(request):
        of_bob = recorder.note(events.LOGIN_FAILURE, user=bob)
        typed = recorder.note(events.LOGIN_FAILURE, username="eve")
        recorder.note(events.LOGOUT, user=bob)
        found.append(pending.drafts(events.LOGIN_FAILURE) == [of_bob, typed])
        found.append(pending.drafts(events.LOGIN_FAILURE, bob) == [of_bob])
        found.append(pending.last(events.LOGIN_FAILURE) is typed)
        found.append(pending.last(events.LOGIN_SUCCESS) is None)

    act(view)

    assert found == [True, True, True, True]


def test_outside_a_request_there_are_none(bob):
    recorder.note(events.LOGIN_FAILURE, user=bob)

    assert pending.drafts(events.LOGIN_FAILURE) == []
    assert pending.last(events.LOGIN_FAILURE, bob) is None


def test_a_draft_is_turned_into_another_event(act, bob, rows):
    def view(request):
        draft = recorder.note(
            events.LOGIN_FAILURE, username="b", metadata={"a": 1}, explain=lambda draft: False
        )
        pending.turn_into(draft, events.PASSWORD_RESET_COMPLETED, bob, via="test")

    act(view)

    (row,) = rows()
    assert (row.event, row.outcome, row.user_id) == ("auth.password_reset.completed", "success", 7)
    assert (row.username, row.email) == ("bob", "bob@example.org")
    assert row.metadata == {"via": "test"}

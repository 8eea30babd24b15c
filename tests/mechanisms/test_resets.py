"""A password reset is one event, whichever package it goes through."""

import pytest
from django.contrib.auth.models import User

from django_authaudit.mechanisms import resets

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(rows):
    return User.objects.create_user("bob", "bob@example.org")


def is_marked(request):
    return "reset" in request.GET


@pytest.fixture
def marked():
    resets.completed_by(is_marked, via="project")
    yield
    del resets._completing[is_marked]


def change_password(bob):
    def change(request):
        bob.set_password("another one")
        bob.save()

    return change


def test_a_password_changed_to_complete_a_reset_is_that_alone(bob, act, rows, marked):
    act(change_password(bob), query_params={"reset": "yes"})

    *_, row = rows()
    assert (row.event, row.user_id) == ("auth.password_reset.completed", bob.pk)
    assert row.metadata == {"via": "project"}
    assert not rows("auth.password.changed")


def test_another_password_is_a_change(bob, act, rows, marked):
    act(change_password(bob))
    change_password(bob)(None)

    assert len(rows("auth.password.changed")) == 2
    assert not rows("auth.password_reset.completed")


def test_several_requests_in_one_are_one(act, rows):
    def request_reset(request):
        resets.note_requested(request, "bob@example.org", "one")
        resets.note_requested(request, "bob@example.org", "another")

    act(request_reset)

    [row] = rows()
    assert (row.event, row.email) == ("auth.password_reset.requested", "bob@example.org")
    assert (row.outcome, row.metadata) == ("success", {"via": "one"})


def test_a_request_that_fails_says_so(bob, act, rows):
    act(lambda request: resets.note_requested(request, bob.email, "one", completed=False))

    *_, row = rows()
    assert (row.outcome, row.user_id) == ("failure", bob.pk)


def test_a_bad_link_is_a_failure(act, rows):
    act(lambda request: resets.note_refused(request, "one"))

    [row] = rows()
    assert (row.event, row.outcome) == ("auth.password_reset.failure", "failure")
    assert row.metadata == {"reason": "invalid_link", "via": "one"}

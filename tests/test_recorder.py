import logging
from ipaddress import IPv4Address

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from django_authaudit import Event, events, record, recorder, register
from django_authaudit.models import AuditLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob():
    return User.objects.create_user("bob", "bob@example.com", "right")


def last():
    return AuditLog.objects.order_by("id").last()


def test_a_projects_own_event_is_recorded_with_all_that_the_request_tells(
    act, client, bob, monkeypatch
):
    monkeypatch.setattr(events, "_catalogue", dict(events._catalogue))
    register(Event("billing.card_changed", "Card changed", changes_state=True))
    client.force_login(bob)

    def view(request):
        record(
            "billing.card_changed",
            request=request,
            user=request.user,
            metadata={"old": "1111", "new": "2222"},
        )

    act(view, headers={"User-Agent": "agent"}, REMOTE_ADDR="203.0.113.9")
    row = last()
    assert row.event_label == "Card changed"
    assert (row.outcome, row.user_id, row.username) == ("success", bob.pk, "bob")
    assert (row.actor_id, row.actor_username) == (bob.pk, "bob")
    assert row.email == "bob@example.com"
    assert row.ip_address == "203.0.113.9"
    assert (row.user_agent, row.method, row.path) == ("agent", "POST", "/act/test/")
    assert row.metadata == {"old": "1111", "new": "2222"}
    assert row.session_ref
    assert row.request_id


def test_the_request_under_way_is_the_default(act, client, bob):
    client.force_login(bob)
    act(lambda request: record("auth.session.revoked"))
    assert (last().actor_username, last().path) == ("bob", "/act/test/")


def test_without_a_request_the_facts_are_the_callers(bob):
    record(
        "auth.logout",
        user=bob,
        actor=bob,
        username="ignored?",
        email="typed@example.com",
        ip_address="203.0.113.9",
        outcome="failure",
        metadata={"reason": "because"},
    )
    row = last()
    assert (row.user_id, row.actor_id, row.outcome) == (bob.pk, bob.pk, "failure")
    assert (row.username, row.email) == ("ignored?", "typed@example.com")
    assert row.ip_address == "203.0.113.9"


def test_an_anonymous_user_is_nobody():
    record("auth.logout", user=AnonymousUser(), actor=AnonymousUser())
    assert (last().user_id, last().actor_id, last().username) == (None, None, "")


@pytest.mark.parametrize("address", ["garbage", "", "1.2.3.4.5", "::1%eth0"])
def test_an_address_that_is_none_is_left_out(address):
    record("auth.logout", ip_address=address)
    assert last().ip_address in (None, "::1")


def test_an_address_that_is_no_text_costs_nothing_of_the_request(rf):
    record("auth.logout", request=rf.get("/here/"), ip_address=IPv4Address("198.51.100.7"))
    assert (last().ip_address, last().path) == ("198.51.100.7", "/here/")


def test_an_event_that_nobody_registered_is_recorded_and_warned_of(caplog):
    record("typo.somewhere", outcome="nonsense")
    assert (last().event, last().outcome) == ("typo.somewhere", "success")
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert "typo.somewhere" in warning.message


@pytest.mark.parametrize(
    "hostile", ["\0", "\ud800", "a\nb", "\u202e", "x" * 10_000_000, b"\xff", 42, object()]
)
def test_hostile_values_cost_neither_the_event_nor_the_caller(hostile):
    request = HttpRequest()
    request.META = {"HTTP_USER_AGENT": hostile, "REMOTE_ADDR": hostile}
    request.path = request.path_info = f"/{hostile}"
    record(
        "auth.logout",
        request=request,
        username=hostile,
        email=hostile,
        metadata={"reason": hostile, str(hostile)[:50]: hostile},
    )
    row = last()
    assert row.event == "auth.logout"
    assert "incomplete" not in row.metadata
    if isinstance(hostile, str) and len(hostile) > 1000:
        assert row.metadata["truncated"]["username"] == 10_000_000
    else:
        assert "truncated" not in row.metadata


def test_secrets_in_the_metadata_are_masked():
    record("auth.logout", metadata={"password": "hunter2", "form": {"csrf_token": "abc"}})
    assert "hunter2" not in str(AuditLog.objects.values())
    assert last().metadata == {"password": "********", "form": {"csrf_token": "********"}}


def test_a_command_says_its_name(bob):
    from django.core.management import call_command

    call_command("createsuperuser", username="root", email="r@example.com", interactive=False)
    assert last().metadata["command"] == "createsuperuser"


def test_a_request_that_cannot_even_be_looked_at_harms_nobody(caplog):
    class Evil:
        @property
        def _request(self):
            raise LookupError

    record("auth.logout", request=Evil())
    assert "recording auth.logout failed" in caplog.text


def test_what_is_no_request_counts_as_none():
    record("auth.logout", request={"user": "bob"}, username="bob")
    assert last().metadata == {}
    assert last().username == "bob"


def test_a_database_that_does_not_exist_has_no_transaction():
    record("authz.group.created", using="nowhere")
    assert last().event == "authz.group.created"


def test_an_entry_that_cannot_be_held_for_its_transaction_costs_none_beside_it(act, monkeypatch):
    hold = recorder._hold

    def fail(draft):
        if draft.event.code == "auth.mfa.removed":
            raise TypeError("no such transaction")
        return hold(draft)

    monkeypatch.setattr(recorder, "_hold", fail)

    def view(request):
        record("auth.logout", username="bob")
        record("auth.mfa.removed", username="bob")
        record("auth.mfa.enrolled", username="bob")

    act(view)
    codes = AuditLog.objects.order_by("id").values_list("event", flat=True)
    assert list(codes) == ["auth.logout", "auth.mfa.removed", "auth.mfa.enrolled"]

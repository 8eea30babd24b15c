import pytest

from django_authaudit import Event, events, register


@pytest.fixture(autouse=True)
def catalogue(monkeypatch):
    monkeypatch.setattr(events, "_catalogue", dict(events._catalogue))


SPECIFICATION = {
    "auth.login.success",
    "auth.login.failure",
    "auth.logout",
    "auth.account_locked",
    "auth.password_reset.requested",
    "auth.password_reset.completed",
    "authz.forbidden",
}


def test_the_specifications_events_are_known():
    assert {event.code for event in events.registered()} >= SPECIFICATION


def test_each_event_has_a_label_a_severity_and_an_outcome():
    for event in events.registered():
        assert str(event.label)
        assert event.severity in {"info", "low", "medium", "high", "critical"}
        assert event.outcome in {"success", "failure"}


def test_what_a_rollback_undoes_is_told_from_facts():
    assert events.get("authz.role.granted").changes_state
    assert not events.get("auth.login.success").changes_state


def test_a_projects_own_event_is_registered_once():
    mine = Event("billing.card_changed", "Card changed", changes_state=True)
    assert register(mine) is mine
    assert register(mine) is mine
    assert events.get("billing.card_changed").family == "billing"
    assert events.is_registered("billing.card_changed")
    with pytest.raises(ValueError, match="with other values"):
        register(Event("billing.card_changed", "Something else"))


@pytest.mark.parametrize("code", ["billing", "Billing.card", "billing..card", "a.b c", "", "é.x"])
def test_a_malformed_code_is_refused_with_an_example(code):
    with pytest.raises(ValueError, match=r"billing\.card_changed"):
        register(Event(code, "x"))


@pytest.mark.parametrize("code", ["audit.mine", "alert.mine"])
def test_the_logs_own_families_are_reserved(code):
    with pytest.raises(ValueError, match="audit log's own"):
        register(Event(code, "x"))


def test_an_outcome_is_success_or_failure():
    with pytest.raises(ValueError, match="'success' or 'failure'"):
        register(Event("billing.card_changed", "x", "denied"))


def test_an_unknown_code_is_labelled_by_itself():
    assert events.get("gone.integration").label == "gone.integration"
    assert not events.is_registered("gone.integration")

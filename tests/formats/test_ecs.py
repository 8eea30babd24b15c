"""Entries as documents of the Elastic Common Schema."""

import pytest

from django_authaudit import events, mapping
from django_authaudit.formats import ecs
from tests.formats.samples import CODES, sample, variants

# The schema's `expected_event_types` of the categories in use (ECS 9, schemas/event.yml).
EXPECTED = {
    "api": {
        *("access", "admin", "allowed", "change", "creation", "deletion", "denied", "end"),
        *("info", "start", "user"),
    },
    "authentication": {"end", "info", "start"},
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "intrusion_detection": {"allowed", "denied", "info"},
    "session": {"end", "info", "start"},
}
# Its fields in use, with the Python types of what Elasticsearch makes of them.
FIELDS = {
    "@timestamp": str,
    "ecs.version": str,
    "message": str,
    "event.kind": str,
    "event.category": list,
    "event.type": list,
    "event.action": str,
    "event.outcome": str,
    "event.id": str,
    "event.module": str,
    "event.dataset": str,
    "event.severity": int,
    "event.sequence": int,
    "event.reason": str,
    "service.name": str,
    "user.id": str,
    "user.name": str,
    "user.email": str,
    "user.target.id": str,
    "user.target.name": str,
    "user.target.email": str,
    "user.effective.id": str,
    "user.effective.name": str,
    "user.effective.email": str,
    "source.ip": str,
    "user_agent.original": str,
    "http.request.id": str,
    "http.request.method": str,
    "url.path": str,
    "related.user": list,
    "related.ip": list,
}


def flat(document, prefix=""):
    """Yield the fields of a document by their dotted names."""
    for name, value in document.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


@pytest.mark.parametrize("code", mapping.ROWS)
def test_every_type_is_expected_of_its_category(code):
    row = mapping.ROWS[code]

    assert row.categories
    assert row.types
    for category in row.categories:
        assert set(row.types) <= EXPECTED[category]


@pytest.mark.parametrize("code", [*CODES, "billing.card_added"])
def test_every_field_is_one_of_the_schema_and_of_its_type(code):
    for entry in variants(code):
        for name, value in flat(ecs.to_dict(entry)):
            if name.startswith("labels."):
                assert name.count(".") == 1
                assert isinstance(value, str)
            else:
                assert isinstance(value, FIELDS[name]), name


def test_a_change_has_who_made_it_and_whom_it_hit():
    user = ecs.to_dict(sample(events.ROLE_GRANTED))["user"]

    assert (user["name"], user["target"]["name"]) == ("ada", "bob")


def test_one_who_acts_as_another_is_the_performer():
    entry = sample(events.FORBIDDEN, actor_id=1, actor_username="ada")

    user = ecs.to_dict(entry)["user"]

    assert (user["name"], user["effective"]["name"]) == ("ada", "bob")


def test_what_one_does_oneself_has_one_person():
    assert ecs.to_dict(sample(events.LOGOUT))["user"] == {
        "id": "7",
        "name": "bob",
        "email": "bob@example.com",
    }


def test_tampering_is_an_alert():
    assert ecs.to_dict(sample("audit.tampering_detected"))["event"]["kind"] == "alert"

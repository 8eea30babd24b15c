"""Entries as OCSF events, held against the published schema of each version, strictly."""

import json
from functools import cache

import pytest
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

from django_authaudit import events, mapping
from django_authaudit.formats import ocsf
from tests.formats.samples import FLAG, GROUP, each_event, sample, variants

CODES = [*{key.partition(" ")[0] for key in mapping.ROWS}, "billing.card_added"]
ROLES = (GROUP, FLAG, {"kind": "permission", "name": "auth.view_user"}, "plain")


@cache
def validator(version, class_uid):
    """Return what knows the schema of a class; it allows no attribute that the schema lacks."""
    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
    name = schema.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(schema.get_class_schema(name))


def check(entry, version):
    event = json.loads(ocsf.dumps(entry, version))
    errors = validator(version, event["class_uid"]).iter_errors(event)
    assert [f"{error.json_path}: {error.message}"[:300] for error in errors] == []
    assert event["metadata"]["version"] == version


@pytest.mark.parametrize("version", ocsf.VERSIONS)
@pytest.mark.parametrize("code", sorted(CODES))
def test_every_entry_is_valid(code, version):
    for entry in variants(code):
        check(entry, version)


@pytest.mark.parametrize("version", ocsf.VERSIONS)
@pytest.mark.parametrize("code", [events.ROLE_GRANTED, events.ROLE_REVOKED])
def test_every_kind_of_role_is_valid(code, version):
    for role in ROLES:
        check(sample(code, metadata={"role": role}), version)


def test_the_schema_refuses_what_it_does_not_know():
    event = ocsf.to_dict(sample(events.LOGIN_SUCCESS))

    assert not validator("1.8.0", 3002).is_valid({**event, "colour": "red"})
    assert not validator("1.8.0", 3002).is_valid({k: event[k] for k in event if k != "user"})


def test_a_failed_login_says_who_where_when_and_why():
    event = ocsf.to_dict(sample(events.LOGIN_FAILURE))

    assert event["type_uid"] == 300201
    assert event["status_id"] == 2
    assert event["status_detail"] == "invalid_password"
    assert event["time"] == 1763020004608
    assert event["user"] == {"uid": "7", "name": "bob", "email_addr": "bob@example.com"}
    assert event["src_endpoint"] == {"ip": "203.0.113.9"}


@pytest.mark.parametrize(
    ("role", "type_uid"), [(GROUP, 300603), (FLAG, 300501), ("editors", 300501)]
)
def test_a_role_is_a_group_joined_or_a_privilege(role, type_uid):
    event = ocsf.to_dict(sample(events.ROLE_GRANTED, metadata={"role": role}))

    assert event["type_uid"] == type_uid


def test_a_change_that_was_rolled_back_has_failed():
    entry = sample(events.PASSWORD_CHANGED, outcome="failure", metadata={"rolled_back": True})

    assert ocsf.to_dict(entry)["status_id"] == 2


def test_acting_as_another_is_an_account_switch_where_the_version_knows_it():
    entry = sample(events.IMPERSONATION_STARTED)

    assert ocsf.to_dict(entry)["activity_id"] == 7
    assert ocsf.to_dict(entry, "1.5.0")["activity_id"] == 99


@each_event
def test_nothing_of_an_entry_is_lost(code):
    entry = sample(code)

    text = ocsf.dumps(entry)

    for value in (entry.username, entry.email, entry.session_ref, entry.path, entry.user_agent):
        assert value in text
    assert ocsf.to_dict(entry)["unmapped"].get("metadata", {}) == entry.metadata

import json
import uuid
from pathlib import Path

from jsonschema import Draft202012Validator, FormatChecker

from django_authaudit.entry import LIMITS, make_entry, new_id
from django_authaudit.formats import jsonl
from tests.formats.samples import each_event, sample, variants


def test_an_entry_is_one_line_of_ascii_whatever_it_holds():
    entry = make_entry(
        id=new_id(),
        event="auth.login.failure",
        outcome="failure",
        username="a\nb\u2028\ud800 ü",
        metadata={"reason": "x\ny"},
    )
    line = jsonl.dumps(entry)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["created_at"].endswith("Z")


def test_what_was_written_is_read_back():
    entry = make_entry(
        id=new_id(),
        event="auth.logout",
        outcome="success",
        user_id=7,
        writer=uuid.uuid4(),
        sequence=3,
        salt="00",
        ip_address="::1",
    )
    assert jsonl.from_dict(json.loads(jsonl.dumps(entry))) == entry


def test_a_key_that_is_no_number_is_text():
    key = uuid.uuid4()
    entry = make_entry(id=new_id(), event="auth.logout", outcome="success", user_id=key)
    assert json.loads(jsonl.dumps(entry))["user_id"] == str(key)


SCHEMA = json.loads(Path(jsonl.__file__).with_name("jsonl.schema.json").read_text("utf-8"))


@each_event
def test_every_entry_is_as_the_shipped_schema_says(code):
    validator = Draft202012Validator(SCHEMA, format_checker=FormatChecker())

    for entry in variants(code):
        errors = validator.iter_errors(jsonl.to_dict(entry))
        assert [error.message for error in errors] == []


def test_the_shipped_schema_is_a_schema_and_allows_nothing_more():
    Draft202012Validator.check_schema(SCHEMA)
    values = jsonl.to_dict(sample("auth.logout"))

    assert set(SCHEMA["properties"]) == set(values)
    assert not Draft202012Validator(SCHEMA).is_valid({**values, "more": 1})
    for name in values:
        assert not Draft202012Validator(SCHEMA).is_valid({**values, name: 1.5})


def test_the_schema_knows_the_limits_of_the_columns():
    limits = {name: SCHEMA["properties"][name]["maxLength"] for name in LIMITS}

    assert limits == LIMITS

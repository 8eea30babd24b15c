"""The canonical form is that of RFC 8785, whichever library writes it."""

import random
import sys

import pytest
import rfc8785

from django_authaudit.cleaning import clean_metadata
from django_authaudit.entry import make_entry, new_id
from django_authaudit.integrity import canonical
from django_authaudit.integrity.leaf import content_of

LETTERS = "aZ09 \"\\/\b\t\n\f\r\x00\x1f\x7fäßé\u00ff\u2028\ufb01€😀\U0010ffff\ud800<>&'"


def text(dice):
    return "".join(dice.choices(LETTERS, k=dice.randrange(12)))


def value(dice, depth=3):
    plain = [None, True, False, 0, -1, 2**53 - 1, 2**53, 10**400, 0.1, -0.0, 1e21, text(dice)]
    if depth and dice.random() < 0.4:
        return {text(dice): value(dice, depth - 1) for _ in range(3)}
    if depth and dice.random() < 0.3:
        return [value(dice, depth - 1) for _ in range(3)]
    return dice.choice(plain)


def contents():
    dice = random.Random(8785)
    for _ in range(300):
        yield content_of(
            make_entry(
                id=new_id(),
                event=text(dice),
                outcome="success",
                username=text(dice),
                path=text(dice),
                user_id=dice.choice([None, 7, 2**70, "text"]),
                metadata={text(dice): value(dice), "z": value(dice), "a": value(dice)},
            )
        )


@pytest.mark.parametrize("canonical", [canonical.standard, canonical.canonical])
def test_the_bytes_are_those_of_the_rfc(canonical):
    for content in contents():
        assert canonical(content) == rfc8785.dumps(content)


def test_without_orjson_the_standard_library_does_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "orjson", None)

    assert canonical._fastest() is canonical.standard


@pytest.mark.parametrize("value", [{"a": object()}, {"a": "\ud800"}, {"a": float("nan")}])
def test_what_is_no_json_has_no_canonical_form(value):
    with pytest.raises((TypeError, ValueError)):
        canonical.standard(value)


def test_metadata_keeps_within_what_every_reader_of_json_agrees_on():
    dice = random.Random(1)
    for _ in range(300):
        rfc8785.dumps(clean_metadata({text(dice): value(dice)}))

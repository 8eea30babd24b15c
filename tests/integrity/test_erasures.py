"""What is left of an erased entry is signed, and so is that it was erased."""

from dataclasses import replace

import pytest

from django_authaudit.exceptions import TamperedError
from django_authaudit.integrity import erasures
from django_authaudit.integrity.condition import Condition, condition_of
from django_authaudit.integrity.rows import Reader
from django_authaudit.models import AuditSeal, SealedRun
from tests.integrity.log import add, change, place, runs, seal

pytestmark = pytest.mark.django_db


def erase(entry, **blanks):
    """Blank what `entry` says of a person, in the table too."""
    blanks = {"username": "", "email": "", "ip_address": None, **blanks}
    remains = erasures.seal_remains(entry, replace(entry, **blanks))
    for column in (*blanks, "salt", "signature"):
        change(entry, column, getattr(remains, column))
    erasures.record([place(remains)], using="default")
    return remains


def conditions():
    return [condition_of(row) for row in Reader("default").by_number()]


def test_an_erased_entry_keeps_its_leaf_and_is_known_as_erased():
    [entry] = add(1, username="bob", ip_address="203.0.113.7")

    remains = erase(entry)

    assert remains.leaf == entry.leaf
    assert remains.salt == ""
    assert len(remains.signature) <= 255
    assert conditions() == [Condition.ERASED]


def test_the_seal_of_an_erasure_names_the_entry():
    entries = add(3, username="bob")
    seal()

    erase(entries[1])

    assert runs("erased") == [(entries[0].writer, 2, 2)]
    assert AuditSeal.objects.get(kind="erased").number == 2


def test_an_erased_entry_can_be_erased_further():
    [entry] = add(1, username="bob", path="/bob/")

    further = erase(erase(entry), path="")

    assert conditions() == [Condition.ERASED]
    assert further.signature.count(":") == 3


@pytest.mark.parametrize("column", ["event", "outcome", "username", "salt", "sequence"])
def test_what_is_left_cannot_be_edited(column):
    [entry] = add(1, username="bob")
    erase(entry)

    change(entry, column, {"outcome": "failure", "sequence": 9}.get(column, "eve"))

    assert conditions() == [Condition.EDITED]


def test_an_edit_is_no_erasure():
    [entry] = add(1, username="bob")
    change(entry, "username", "")
    change(entry, "salt", "")
    change(entry, "signature", f"{entry.signature}:{entry.signature}")

    assert conditions() == [Condition.EDITED]


@pytest.mark.parametrize(
    "edit", [{"username": "eve"}, {"leaf": "0" * 64}, {"signature": "a:b"}, {"salt": ""}]
)
def test_an_edited_entry_is_not_erased(edit):
    [entry] = add(1, username="bob")

    with pytest.raises(TamperedError, match=str(entry.id)):
        erasures.seal_remains(replace(entry, **edit), replace(entry, username=""))


def test_an_edited_rest_is_not_erased_further():
    [entry] = add(1, username="bob")
    remains = erase(entry)

    with pytest.raises(TamperedError):
        erasures.seal_remains(replace(remains, event="auth.login.success"), remains)


def test_entries_without_a_number_are_named_by_no_seal():
    assert erasures.record([(None, 0, "")], using="default") is None
    assert not SealedRun.objects.exists()

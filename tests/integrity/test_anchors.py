"""The copy of the seals outside the database."""

import json

import pytest

from django_authaudit.exceptions import AnchorError
from django_authaudit.integrity import anchors, seals
from django_authaudit.models import AuditSeal
from tests.integrity.log import SEALS, add, seal, sql

pytestmark = pytest.mark.django_db


@pytest.fixture
def anchor(tmp_path):
    return tmp_path / "anchor.jsonl"


def numbers(path):
    return [found.number for found in anchors.read(path)]


def test_each_seal_is_appended_once(anchor):
    add(1)
    seal()
    assert anchors.extend(anchor, "default") == 1
    seal()
    seal()
    assert anchors.extend(anchor, "default") == 2
    assert anchors.extend(anchor, "default") == 0

    assert numbers(anchor) == [1, 2, 3]
    assert anchor.stat().st_mode & 0o777 == 0o600
    lines = anchor.read_text().splitlines()
    assert [json.loads(line)["hash"] for line in lines] == [
        seals.hash_of(made) for made in AuditSeal.objects.order_by("number")
    ]


def test_a_line_that_was_broken_off_is_written_again(anchor):
    seal()
    anchors.extend(anchor, "default")
    whole = anchor.read_text()
    anchor.write_text(whole[:50])

    assert anchors.extend(anchor, "default") == 1
    assert anchor.read_text() == f"{whole[:50]}\n{whole}"
    assert numbers(anchor) == [1]


def test_another_logs_file_is_not_gone_on_with(anchor):
    seal()
    seal()
    anchors.extend(anchor, "default")
    before = anchor.read_bytes()
    sql(f"DELETE FROM {SEALS} WHERE number = 2")

    with pytest.raises(AnchorError, match="number 2, is none of the log"):
        anchors.extend(anchor, "default")
    seal()
    with pytest.raises(AnchorError, match="number 2, is none of the log"):
        anchors.extend(anchor, "default")
    assert anchor.read_bytes() == before


def test_an_edited_seal_is_not_anchored(anchor):
    seal()
    sql(f"UPDATE {SEALS} SET statement = '{{}}'")

    with pytest.raises(AnchorError, match="Seal 1 is not as it was made"):
        anchors.extend(anchor, "default")
    assert anchor.read_bytes() == b""


@pytest.mark.parametrize("line", ["{}", '{"number": 1}', "}", "[1]}"])
def test_a_wrong_line_is_named(anchor, line):
    seal()
    anchors.extend(anchor, "default")
    with anchor.open("a") as file:
        file.write(f"\n{line}\n")

    with pytest.raises(AnchorError, match="Line 3 of "):
        numbers(anchor)

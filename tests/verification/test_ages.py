"""An entry that was dated back, so that pruning takes it, is found though it is gone."""

from uuid import UUID

import pytest

from django_authaudit import retention
from django_authaudit.entry import first_id_at
from django_authaudit.integrity import writers
from django_authaudit.models import AuditLog
from django_authaudit.verification.ages import Ages
from tests.integrity.log import add, change, raw, seal
from tests.management.rows import days_ago

pytestmark = pytest.mark.django_db


def prune(**options):
    return sum(batch.count for batch in retention.prune(days_ago(90), **options))


def old(count, writer):
    start = first_id_at(days_ago(100)).int + AuditLog.objects.count()
    return [add(1, writer, id=UUID(int=start + more))[0] for more in range(count)]


@pytest.mark.parametrize("way", ["table", "archive"])
def test_what_was_dated_back_and_pruned_is_found(verify, tmp_path, way):
    seal()
    entries = add(4)
    seal()
    for number in (1, 2):
        change(entries[number], "id", raw(UUID(int=first_id_at(days_ago(100)).int + number)))

    assert prune(archive=tmp_path if way == "archive" else None) == 2
    assert verify() == [("edited", 2, 3)]


def test_what_was_dated_back_and_pruned_with_all_of_its_writer_is_found(verify):
    seal()
    (entry,) = add(1)
    seal()
    change(entry, "id", raw(first_id_at(days_ago(100))))

    assert prune() == 1
    assert verify() == [("edited", 1, 1)]


def test_what_was_old_enough_is_no_finding_whenever_it_was_sealed(verify):
    writer = writers.Writer()
    old(3, writer)
    seal()
    old(3, writer)
    add(2, writer)
    seal()

    assert prune(batch_size=2) == 6
    assert verify() == []


def test_periods_of_their_own_count_for_their_events(verify, settings, tmp_path):
    settings.AUTHAUDIT_RETENTION = {"auth.logout": 30, "authz.": None}
    start = first_id_at(days_ago(40)).int
    seal()
    for number in range(3):
        add(1, id=UUID(int=start + number))
    seal()

    assert prune(archive=tmp_path) == 3
    assert verify() == []


def test_without_a_moment_nothing_is_said():
    assert list(Ages().too_young([], [])) == []
    assert Ages().since.of(1) is None

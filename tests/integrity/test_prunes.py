"""What pruning says that it took."""

import pytest

from django_authaudit.integrity import prunes, seals, writers
from django_authaudit.integrity.runs import runs_of
from django_authaudit.models import AuditSeal, SealedRun
from tests.integrity.log import add, delete, place, runs, seal

pytestmark = pytest.mark.django_db


def prune(*entries):
    delete(*entries)
    return prunes.record([place(entry) for entry in entries], using="default")


def named():
    found = SealedRun.objects.filter(seal__kind="pruned").order_by("id")
    return [(run.writer, run.first, run.last, bool(run.leaves)) for run in found]


def test_a_run_that_went_whole_is_named_by_its_digest():
    entries = add(3)
    seal()
    digest = SealedRun.objects.get().digest

    made = prune(*entries)

    assert made.kind == AuditSeal.PRUNED
    assert (made.number, seals.statement_of(made)["count"]) == (2, 3)
    assert named() == [(entries[0].writer, 1, 3, False)]
    assert SealedRun.objects.get(seal=made).digest == digest


def test_of_a_run_that_went_in_part_the_leaves_stay():
    entries = add(5)
    seal()

    made = prune(entries[1], entries[2], entries[4])

    writer = entries[0].writer
    assert named() == [(writer, 2, 3, True), (writer, 5, 5, True)]
    leaves = [run.leaves for run in made.runs.order_by("id")]
    assert leaves == [entries[1].leaf + entries[2].leaf, entries[4].leaf]


def test_what_went_is_split_where_seals_begin():
    writer = writers.Writer()
    entries = add(2, writer)
    seal()
    entries += add(2, writer)
    seal()
    entries += add(2, writer)

    prune(*entries[1:])

    assert named() == [
        (writer.id, 2, 2, True),
        (writer.id, 3, 4, False),
        (writer.id, 5, 6, False),
    ]
    [rest] = runs_of([(str(w), n, leaf) for w, n, leaf in map(place, entries[4:])])
    assert SealedRun.objects.get(first=5).digest == rest.digest


def test_many_writers_are_named_at_once():
    entries = [entry for _ in range(120) for entry in add(1)]
    seal()

    prune(*entries)

    assert sorted(runs("pruned")) == sorted(runs())


def test_what_nobody_signed_is_nobodys_loss():
    places = [(None, 0, ""), (writers.Writer().id, 1, ""), (writers.Writer().id, 1, "x" * 64)]

    assert prunes.record(places, using="default") is None
    assert not AuditSeal.objects.exists()

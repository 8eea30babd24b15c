"""Runs of numbers, and what is left of them."""

import hashlib

from django_authaudit.integrity.runs import Run, digest_of_runs, ranges, runs_of

A, B = "0a" * 16, "0b" * 16
LEAVES = {number: f"{number:064x}" for number in range(1, 30)}


def places(writer, *numbers):
    return [(writer, number, LEAVES[number]) for number in numbers]


def test_a_hole_ends_a_run_and_so_does_another_writer():
    runs = list(runs_of([*places(B, 1), *places(A, 5, 1, 2, 3)]))

    assert [run[:3] for run in runs] == [(A, 1, 3), (A, 5, 5), (B, 1, 1)]
    assert [run.size for run in runs] == [3, 1, 1]


def test_the_digest_of_a_run_is_that_of_its_leaves_in_order():
    [run] = runs_of(places(A, 2, 1))

    joined = bytes.fromhex(LEAVES[1] + LEAVES[2])
    assert run.digest == hashlib.sha256(joined).hexdigest()
    assert run.leaves == joined.hex()


def test_a_number_that_comes_twice_counts_once():
    [run] = runs_of([(A, 1, LEAVES[1]), (A, 1, LEAVES[2]), (A, 2, LEAVES[3])])

    assert run.leaves == LEAVES[1] + LEAVES[3]


def test_no_entries_make_no_run():
    assert list(runs_of([])) == []


def test_a_run_is_split_where_others_begin_and_end():
    [run] = runs_of(places(A, *range(4, 21)))

    parts = list(run.split([(1, 2), (3, 5), (8, 10), (11, 11), (15, 30), (40, 50)]))

    found = [(part.first, part.last, inside) for part, inside in parts]
    assert found == [
        (4, 5, (3, 5)),
        (6, 7, None),
        (8, 10, (8, 10)),
        (11, 11, (11, 11)),
        (12, 14, None),
        (15, 20, (15, 30)),
    ]
    for part, _ in parts:
        [alone] = runs_of(places(A, *range(part.first, part.last + 1)))
        assert part == alone


def test_a_run_that_touches_nothing_stays_whole():
    [run] = runs_of(places(A, 1, 2))

    assert list(run.split([])) == [(run, None)]


def test_the_digest_of_runs_tells_every_difference():
    run = Run(A, 1, 2, "d" * 64)
    others = [
        run._replace(writer=B),
        run._replace(first=2),
        run._replace(last=3),
        run._replace(digest="e" * 64),
    ]

    digests = {digest_of_runs([other]) for other in [run, *others]} | {digest_of_runs([])}

    assert len(digests) == 6


def test_numbers_become_ranges():
    assert ranges([5, 1, 2, 3, 3, 9]) == [[1, 3], [5, 5], [9, 9]]
    assert ranges([]) == []

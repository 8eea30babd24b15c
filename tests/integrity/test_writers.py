import os

from django_authaudit.entry import make_entry, new_id
from django_authaudit.integrity import writers


def entries(number):
    return [make_entry(id=new_id(), event="auth.logout", outcome="success") for _ in range(number)]


def test_a_writer_numbers_without_a_gap_and_salts_each_entry():
    writer = writers.Writer()
    numbered = [*writer.number(entries(2)), *writer.number(entries(1))]
    assert [entry.sequence for entry in numbered] == [1, 2, 3]
    assert {entry.writer for entry in numbered} == {writer.id}
    assert len({entry.salt for entry in numbered}) == 3
    assert all(len(entry.salt) == 32 for entry in numbered)


def test_a_borrowed_writer_is_nobody_elses():
    first, second = writers.borrow(), writers.borrow()
    assert first.id != second.id
    writers.give_back(first)
    assert writers.borrow() is first
    writers.give_back(first)
    writers.give_back(second)


def test_a_forked_child_begins_anew():
    parents = writers.Writer()
    writers.give_back(parents)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, writers.borrow().id.bytes)
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 16) != parents.id.bytes
    assert writers.borrow() is parents
    os.close(reader)
    os.close(writer)

"""Third parties are watched without their noticing."""

import logging
from types import SimpleNamespace

import pytest
from django import forms

from django_authaudit import guard, wraps
from django_authaudit.mechanisms import calls

HERE = "tests.mechanisms.test_calls"


class Machine:
    def turn(self, times, *, fast=False):
        """Turn."""
        if times < 0:
            raise ValueError("backwards")
        return times


class Faster(Machine):
    def turn(self, times, *, fast=False):
        return super().turn(times * 2, fast=fast)


class Slower(Machine):
    pass


class Form(forms.Form):
    name = forms.CharField(max_length=3)
    number = forms.IntegerField()


@pytest.fixture
def seen():
    return []


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Give the classes back as they were."""
    monkeypatch.setattr(Machine, "turn", Machine.__dict__["turn"])
    monkeypatch.setattr(Faster, "turn", Faster.__dict__["turn"])
    monkeypatch.setattr(Slower, "turn", Machine.turn)
    monkeypatch.delattr(Slower, "turn")
    monkeypatch.setattr(Form, "full_clean", Form.full_clean)


def test_a_call_is_seen_with_its_arguments_by_name_and_its_result(seen):
    calls.watch(f"{HERE}.Machine.turn", seen.append)
    machine = Machine()

    assert machine.turn(2, fast=True) == 2
    assert [(call.facts, call.result, call.error) for call in seen] == [
        ({"self": machine, "times": 2, "fast": True}, 2, None)
    ]


def test_a_call_that_raises_is_seen_and_raises(seen):
    calls.watch(f"{HERE}.Machine.turn", seen.append)

    with pytest.raises(ValueError, match="backwards") as raised:
        Machine().turn(times=-1)
    assert [call.error for call in seen] == [raised.value]


def test_what_is_watched_looks_as_before(seen):
    calls.watch(f"{HERE}.Machine.turn", seen.append)

    assert (Machine.turn.__name__, Machine.turn.__doc__) == ("turn", "Turn.")


def test_watching_twice_is_watching_once(seen):
    calls.watch(f"{HERE}.Machine.turn", seen.append)
    calls.watch(f"{HERE}.Machine.turn", seen.append)
    Machine().turn(1)

    assert len(seen) == 1


def test_what_is_inherited_is_watched_where_it_is_named(seen):
    calls.watch_in(Faster, "turn", seen.append)
    Machine().turn(1)
    Faster().turn(1)

    assert [call.result for call in seen] == [2]


def test_what_a_child_inherits_is_watched_though_its_parent_is_too(seen):
    parents, children = [], []
    calls.watch_in(Machine, "turn", parents.append)
    calls.watch_in(Slower, "turn", children.append)
    Machine().turn(1)
    Slower().turn(2)

    assert [call.result for call in parents] == [1, 2]
    assert [call.result for call in children] == [2]


def test_what_a_child_inherits_is_seen_once_where_its_parent_is_watched_by_the_same(seen):
    for owner in (Machine, Slower, Slower):
        calls.watch_in(owner, "turn", seen.append)
    Slower().turn(2)

    assert [call.result for call in seen] == [2]


def test_what_a_child_inherits_is_replaced_though_its_parent_is_watched_too(seen):
    def make(original):
        return lambda *args: original(*args) * 10

    calls.watch_in(Machine, "turn", seen.append)
    calls.replace(Slower, "turn", make)
    calls.replace(Slower, "turn", make)

    assert (Machine().turn(1), Slower().turn(2)) == (1, 20)
    assert [call.result for call in seen] == [1, 2]


def test_a_form_is_seen_though_its_parent_is_watched_too(seen):
    class Child(Form):
        pass

    children = []
    wraps.after_cleaning(Form, seen.append)
    wraps.after_cleaning(Child, children.append)
    form = Child({})
    form.is_valid()

    assert (seen, children) == ([form], [form])


def test_a_function_of_a_module_is_watched_where_it_is_called_through_it(seen):
    module = SimpleNamespace(turn=lambda times: times)
    calls.watch_in(module, "turn", seen.append)

    assert module.turn(3) == 3
    assert [call.facts for call in seen] == [{"times": 3}]


def test_a_callback_that_raises_is_logged_and_nothing_else(caplog):
    def fall_over(call):
        raise RuntimeError

    calls.watch(f"{HERE}.Machine.turn", fall_over)
    with caplog.at_level(logging.CRITICAL, "django_authaudit"):
        assert Machine().turn(1) == 1
    assert guard.failures.pop("looking at a call of turn()") == 1


def test_what_is_not_there_is_logged_and_nothing_else(seen, caplog):
    with caplog.at_level(logging.ERROR, "django_authaudit"):
        calls.watch(f"{HERE}.Machine.stop", seen.append)
        calls.watch_form("no.such.Form", seen.append)

    assert [record.getMessage() for record in caplog.records] == [
        f"Audit log: watching {HERE}.Machine.stop failed.",
        "Audit log: watching no.such.Form failed.",
    ]
    assert guard.failures.pop(f"watching {HERE}.Machine.stop") == 1
    assert guard.failures.pop("watching no.such.Form") == 1


def test_a_form_is_seen_when_it_is_cleaned(seen):
    calls.watch_form(f"{HERE}.Form", seen.append)
    form = Form({"name": "abcd", "number": "x"})
    form.is_valid()

    assert seen == [form]


def test_the_codes_of_its_errors_are_read_of_all_fields_or_of_some():
    form = Form({"name": "abcd", "number": "x"})
    form.add_error(None, "without a code")

    assert calls.error_codes(form) == {"max_length", "invalid", ""}
    assert calls.error_codes(form, "name") == {"max_length"}
    assert calls.error_codes(form, "unknown") == set()

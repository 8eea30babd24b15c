import logging

import pytest

from django_authaudit.guard import failures, guard, guarded


def test_an_error_ends_in_the_guard_and_is_logged_and_counted(caplog):
    before = failures["testing"]
    with guard("testing") as attempt:
        raise ValueError("no")
    assert isinstance(attempt.error, ValueError)
    assert failures["testing"] == before + 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.exc_info[1] is attempt.error


def test_without_an_error_nothing_is_said(caplog):
    with guard("testing") as attempt:
        pass
    assert attempt.error is None
    assert not attempt.forbidden_by_tests
    assert caplog.records == []


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_ends_a_process_passes(error):
    with pytest.raises(error), guard("testing"):
        raise error


def test_a_guarded_receiver_keeps_its_name_and_returns_nothing(caplog):
    @guarded
    def on_something(sender):
        """What it does."""
        raise LookupError

    assert on_something(None) is None
    assert on_something.__name__ == "on_something"
    assert on_something.__doc__ == "What it does."
    assert "on_something failed" in caplog.text


def test_an_error_that_has_no_traceback_is_nobodys_prohibition():
    attempt = guard("testing")
    attempt.error = ValueError()
    assert not attempt.forbidden_by_tests

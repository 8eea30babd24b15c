"""Signals that ask a command to end."""

import os
import signal
import threading

import pytest

from django_authaudit.management.stopping import stop_when_asked


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_and_nothing_is_broken_off(usual_signals, number):
    with stop_when_asked() as asked:
        assert asked == []
        os.kill(os.getpid(), number)
        assert asked == [number]


def test_a_second_signal_does_what_it_always_did(usual_signals):
    with stop_when_asked():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_the_handlers_are_restored(usual_signals):
    with stop_when_asked():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_the_process_is_left_alone(usual_signals):
    told = []
    signal.signal(signal.SIGTERM, lambda number, frame: told.append(number))

    with stop_when_asked() as asked:
        os.kill(os.getpid(), signal.SIGTERM)

    assert (asked, told) == ([], [signal.SIGTERM])


def test_an_ignored_signal_stays_ignored(usual_signals):
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with stop_when_asked() as asked:
        os.kill(os.getpid(), signal.SIGINT)

    assert asked == []


def test_in_another_thread_signals_are_not_its_business(usual_signals):
    handlers = []

    def work():
        with stop_when_asked() as asked:
            handlers.append((asked, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert handlers == [([], signal.SIG_DFL)]

"""Sinks that do in a test's own process what a receiver does, and what tests do with them."""

from datetime import timedelta

import pytest

from django_authaudit import shipping
from django_authaudit.entry import first_id_at, make_entry, new_id
from django_authaudit.exceptions import RejectedError, UnavailableError
from django_authaudit.integrity.writers import Writer
from django_authaudit.sinks.base import NetworkSink
from django_authaudit.sinks.database import DatabaseSink

DATABASE = {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"}


class Receiver(NetworkSink):
    """Remembers what it took, in the list that its options name."""

    boxes: dict = {}

    def __init__(self, box="main", batch_size=500):
        self.took = self.boxes.setdefault(box, [])
        self.batch_size = batch_size

    def emit(self, entries):
        self.took.append([entry.username for entry in entries])


class Moody(Receiver):
    """Refuses what the set `poison` names, and everything `down` times."""

    poison: set = set()
    down: int = 0
    tries: list = []

    def emit(self, entries):
        self.tries.append(len(entries))
        if Moody.down:
            Moody.down -= 1
            raise UnavailableError("away", retry_after=0.01)
        if self.poison & {entry.username for entry in entries}:
            raise RejectedError("cannot be read")
        super().emit(entries)


def sink(cls=Receiver, **options):
    return {"BACKEND": f"{cls.__module__}.{cls.__name__}", "OPTIONS": options}


@pytest.fixture(autouse=True)
def receivers(settings, monkeypatch):
    """Have one sink beside the table, look for late entries each time, and never pause long."""
    monkeypatch.setattr(Receiver, "boxes", {})
    monkeypatch.setattr(Moody, "poison", set())
    monkeypatch.setattr(Moody, "down", 0)
    monkeypatch.setattr(Moody, "tries", [])
    monkeypatch.setattr(shipping, "_LOOK_FOR_LATE", 0.0)
    monkeypatch.setattr(shipping, "FIRST_PAUSE", 0.01)
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink()}
    return Receiver.boxes


def ship(*names):
    """Ship once, and return the routes."""
    routes = shipping.routes(names)
    list(shipping.run(routes, follow=False, stopped=bool, work=shipping.ship))
    return routes


def took(box="main"):
    return [name for batch in Receiver.boxes.get(box, ()) for name in batch]


def entries(*names, writer=None, moment=None):
    """Return entries of `names`, numbered, of now or of `moment`."""
    made = [
        make_entry(
            id=new_id() if moment is None else first_id_at(moment + timedelta(seconds=number)),
            event="auth.logout",
            outcome="success",
            username=name,
        )
        for number, name in enumerate(names)
    ]
    return (writer or Writer()).number(made)


def store(*names, **options):
    made = entries(*names, **options)
    DatabaseSink().emit(made)
    return made

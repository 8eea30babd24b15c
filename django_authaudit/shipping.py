"""Bring sinks what the table holds: in order, at least once, as often as it takes.

The table is the outbox, so no request waits for a network, and nothing is lost while a receiver
is away. What a sink took is noted before the next batch; a shipper that is killed between the two
sends that one batch again.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections

from django_authaudit import events, shipments
from django_authaudit.entry import Entry
from django_authaudit.exceptions import RejectedError, UnavailableError
from django_authaudit.guard import guard
from django_authaudit.models import AuditShipment
from django_authaudit.recorder import record
from django_authaudit.sinks import make_sink, shipped_to
from django_authaudit.sinks.base import Sink
from django_authaudit.sinks.database import write_alias

TRIES = 5
"""How often in a row a run that does not follow tries a sink that fails."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
"""Seconds between two tries: doubled each time, and more if the receiver asks for it."""
LONGEST_ASKED = 3600.0
"""Seconds that a receiver may ask for: a proxy's mistake is not to end the shipping for a year."""
POLL = 1.0
"""Seconds after which a shipper that follows looks for new entries."""
_LOOK_FOR_LATE = 10.0
"""Seconds after which it looks for late ones, which costs a hop through the index a writer."""
_MOST_DOUBTFUL = 10
"""Rejections in a row, before anything was taken, that say that the receiver is the fault."""
_NAP = 0.05


@dataclass(frozen=True)
class Batch:
    """What one step did: how many entries the sink took, and how many it rejected."""

    sink: str
    taken: int
    rejected: int = 0


Batches = Generator[Batch, None, None]


@dataclass
class Route:
    """A sink, and how bringing it entries goes."""

    alias: str
    sink: Sink
    using: str
    error: str = ""
    """Why the last try failed; empty: it did not."""
    failures: int = 0
    """Tries in a row that failed."""
    due: float = 0.0
    """When to try next, on the monotonic clock."""
    late_due: float = 0.0
    holder: str = field(
        default_factory=lambda: f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"
    )


def routes(names: Sequence[str] = ()) -> list[Route]:
    """Return the sinks that are shipped to, or those of `names` among them.

    Raises ImproperlyConfigured for a sink that cannot be made, and for a name of none.
    """
    configured = shipped_to()
    for name in names:
        if name not in configured:
            known = ", ".join(configured) or "none"
            raise ImproperlyConfigured(
                f"AUTHAUDIT_SINKS has no sink {name!r} that is shipped to. There is: {known}."
            )
    using = write_alias()
    return [
        Route(alias, make_sink(alias, config), using)
        for alias, config in configured.items()
        if not names or alias in names
    ]


def run(
    routes: Sequence[Route],
    *,
    follow: bool,
    stopped: Callable[[], object],
    work: Callable[[Route], Batches],
) -> Batches:
    """Ship along `routes` until all is shipped or `stopped()`; yield each batch when it is noted.

    `work` is `ship()`, or `retry()`. A sink that fails is tried again after a pause, and the
    others go on meanwhile. After TRIES it is given up, with its `error` left in the route; if
    `follow`, never.
    """
    active = list(routes)
    while active and not stopped():
        for route in [route for route in active if time.monotonic() >= route.due]:
            yield from _try(work, route, stopped)
            if not follow and _is_done(route):
                active.remove(route)
        _wait(min((route.due for route in active), default=0.0), stopped)


def ship(route: Route) -> Batches:
    """Bring the sink of `route` what it has not had; yield each batch when that is noted.

    Raises UnavailableError when the sink takes nothing now, HeldError when another process ships
    to it, and the database's error.
    """
    shipment = shipments.take(route.alias, route.holder, using=route.using)
    error: str | None = None
    rejected = 0
    try:
        for page in _pages(route, shipment):
            for batch in _bring(route, shipment, page):
                rejected += batch.rejected
                yield batch
        error = ""
    except UnavailableError as unavailable:
        error = str(unavailable)
        raise
    finally:
        shipments.release(shipment, error=error)
        if rejected:
            record(
                events.AUDIT_SHIPMENT_REJECTED,
                metadata={"sink": route.alias, "count": rejected},
            )


def retry(route: Route) -> Batches:
    """Bring the sink of `route` again what it has rejected; yield each entry when it is noted.

    Raises as `ship()` does.
    """
    shipment = shipments.take(route.alias, route.holder, using=route.using)
    # That there is nothing to retry says nothing of the sink.
    error: str | None = None
    try:
        for entry in shipments.rejected(shipment):
            for _, rejection in _emit(route, shipment, [entry]):
                shipments.tried_again(shipment, entry, taken=rejection is None)
                yield Batch(route.alias, *((1, 0) if rejection is None else (0, 1)))
    except UnavailableError as unavailable:
        error = str(unavailable)
        raise
    finally:
        shipments.release(shipment, error=error)


def _is_done(route: Route) -> bool:
    asked_to_come_later = route.due > time.monotonic() + LONGEST_PAUSE
    return not route.failures or route.failures >= TRIES or asked_to_come_later


def _wait(due: float, stopped: Callable[[], object]) -> None:
    while time.monotonic() < due and not stopped():
        time.sleep(_NAP)


def _try(work: Callable[[Route], Batches], route: Route, stopped: Callable[[], object]) -> Batches:
    try:
        with closing(work(route)) as batches:
            for batch in batches:
                route.failures = 0
                yield batch
                if stopped():
                    return
    except (UnavailableError, Error) as error:
        connections[route.using].close_if_unusable_or_obsolete()
        _put_off(route, error)
    except shipments.HeldError as error:
        # Whoever has it does the work.
        route.error, route.failures, route.due = str(error), 0, time.monotonic() + POLL
    else:
        route.error, route.failures, route.due = "", 0, time.monotonic() + POLL


def _put_off(route: Route, error: Exception) -> None:
    asked = min(getattr(error, "retry_after", None) or 0.0, LONGEST_ASKED)
    pause = max(asked, min(LONGEST_PAUSE, FIRST_PAUSE * 2**route.failures))
    route.failures += 1
    route.error = " ".join(str(error).split())
    route.due = time.monotonic() + pause


def _pages(route: Route, shipment: AuditShipment) -> Iterator[Sequence[Entry]]:
    """Yield what the sink has not had: in order, then what appeared late."""
    size = route.sink.batch_size
    while page := shipments.waiting(shipment, size):
        yield page
    if time.monotonic() >= route.late_due:
        while page := shipments.late(shipment, size):
            yield page
        route.late_due = time.monotonic() + _LOOK_FOR_LATE


def _bring(route: Route, shipment: AuditShipment, page: Sequence[Entry]) -> Iterator[Batch]:
    """Have the sink take `page`; set aside what it rejects, if it takes anything else of it.

    A receiver that rejects everything is set up wrongly, and no entry is to blame.
    """
    proven = False
    doubtful: list[shipments.Rejected] = []
    for entries, rejection in _emit(route, shipment, page):
        if rejection is None:
            proven = True
            shipments.advance(shipment, entries, doubtful)
            yield Batch(route.alias, len(entries), len(doubtful))
            doubtful = []
        else:
            doubtful.append((entries[0], str(rejection)))
            if not proven and len(doubtful) >= _MOST_DOUBTFUL:
                break
    if doubtful and not proven:
        raise UnavailableError(f"It takes nothing, and says: {doubtful[0][1]}")
    if doubtful:
        shipments.advance(shipment, (), doubtful)
        yield Batch(route.alias, 0, len(doubtful))


def _emit(
    route: Route, shipment: AuditShipment, entries: Sequence[Entry]
) -> Iterator[tuple[Sequence[Entry], RejectedError | None]]:
    """Yield `entries` in pieces that the sink took, and singly what it rejects, in order."""
    with guard(f"shipping to {route.alias!r}") as attempt:
        route.sink.emit(entries)
    error = attempt.error
    if error is None:
        yield entries, None
    elif not isinstance(error, RejectedError):
        retry_after = getattr(error, "retry_after", None)
        raise UnavailableError(f"{type(error).__name__}: {error}", retry_after) from error
    elif len(entries) == 1:
        yield entries, error
    else:
        middle = len(entries) // 2
        for half in (entries[:middle], entries[middle:]):
            # Nothing is noted before a piece is taken, which may take many tries.
            shipments.keep(shipment)
            yield from _emit(route, shipment, half)

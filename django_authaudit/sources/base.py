"""What a source is: it listens to one package and calls the recorder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from django.apps import apps
from django.dispatch import Signal

from django_authaudit.guard import guard, guarded


class Source(ABC):
    """Turns what a package does into entries. One module, one class of this name.

    The package is imported inside ``connect()``, never at module level, so that every source can
    be listed where nothing is installed.
    """

    requires: ClassVar[str] = "django.contrib.auth"
    """The member of INSTALLED_APPS that the source listens to."""
    records: ClassVar[tuple[str, ...]] = ()
    """The codes of the events that it can record."""
    by_response: ClassVar[tuple[str, ...]] = ()
    """Those among them that only the response shows: they need the middleware."""
    blind: ClassVar[str] = ""
    """One sentence on what cannot be seen of its package."""

    @property
    def available(self) -> bool:
        """Whether the package is installed in this project."""
        return apps.is_installed(self.requires)

    @abstractmethod
    def connect(self) -> None:
        """Start listening; called once, when all apps are ready."""

    def listen(self, signal: Signal, receiver: Callable[..., None], sender: Any = None) -> None:
        """Connect `receiver` to `signal`, such that nothing it raises reaches the sender.

        It comes before the receivers of other apps, whatever the order of INSTALLED_APPS. The
        ``dispatch_uid`` is its dotted path, so a project can disconnect it.
        """
        uid = f"{receiver.__module__}.{receiver.__qualname__}"
        known = len(signal.receivers)
        signal.connect(guarded(receiver), sender=sender, weak=False, dispatch_uid=uid)
        if len(signal.receivers) > known:
            with guard(f"putting {uid} first"):
                _put_last_first(signal)


def _put_last_first(signal: Signal) -> None:
    """Move the newest receiver before those of other apps, behind ours.

    One that raises keeps the signal from all behind it, though the row is stored and the session
    signed in (django/dispatch/dispatcher.py, `Signal.send`).
    """
    with signal.lock:
        ours = vars(signal).setdefault("_authaudit_receivers", 0)
        signal.receivers.insert(ours, signal.receivers.pop())
        vars(signal)["_authaudit_receivers"] = ours + 1
        signal.sender_receivers_cache.clear()

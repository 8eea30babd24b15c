"""Sessions that a user has ended by django-allauth."""

from __future__ import annotations

from django_authaudit import context, events, recorder
from django_authaudit.mechanisms import calls
from django_authaudit.sources import base

VIA = "allauth"


class Source(base.Source):
    """The end of a session, which no signal tells of."""

    requires = "allauth.usersessions"
    records = (events.SESSION_REVOKED,)
    blind = (
        "A session that goes on from another address or browser, and sessions that end because "
        "they expire or the password is changed."
    )

    def connect(self) -> None:
        """Watch sessions being ended (allauth/usersessions/models.py, `UserSession.end`)."""
        calls.watch("allauth.usersessions.models.UserSession.end", on_ended)


def on_ended(call: calls.Call) -> None:
    """Record that a session was ended; one's own is ended by a logout, which is told of."""
    session = call.facts["self"]
    ref = context.session_ref(session.session_key)
    if call.error is None and ref != _own_ref():
        recorder.note(
            events.SESSION_REVOKED,
            user=session.user,
            using=session._state.db,
            metadata={"via": VIA, "session_ref": ref},
        )


def _own_ref() -> str:
    scope = context.current()
    return context.session_ref(context.session_key(scope.request if scope is not None else None))

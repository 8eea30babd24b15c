"""The sessions of an account, where Django keeps them as rows, and how to end them.

A row of `django_session` does not name its account: it is found by reading all sessions that have
not expired. That is done when somebody asks for an end, never to show a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import router
from django.utils import timezone

from django_authaudit import context, events, recorder

VIA = "activity"
"""Who ended a session, in the metadata of `auth.session.revoked`."""
_CHUNK = 2_000


def can_be_ended() -> bool:
    """Return whether single sessions can be ended: the engines `db` and `cached_db` keep rows."""
    return issubclass(_store(), SessionStore)


def end_one(user: Any, ref: str) -> int:
    """End the session of `user` with the reference `ref`; return how many have ended."""
    keys = (key for (key,) in _rows("pk") if context.session_ref(key) == ref) if ref else ()
    return sum(_end(user, key) for key in keys if _is_of(user, _store()(key).load()))


def end_all(user: Any, *, but: str | None) -> int:
    """End the sessions of `user`, but not that with the key `but`; return how many have ended."""
    decode = _store()().decode
    return sum(
        _end(user, key)
        for key, data in _rows("pk", "session_data")
        if key != but and _is_of(user, decode(data))
    )


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _rows(*fields: str) -> Iterator[tuple[str, ...]]:
    """Yield `fields` of every session that has not expired, in pieces: there may be millions."""
    if not can_be_ended():
        return
    model = _store().get_model_class()
    alive = (
        model.objects.filter(expire_date__gt=timezone.now()).order_by("pk").values_list(*fields)
    )
    rows = list(alive[:_CHUNK])
    while rows:
        yield from rows
        rows = list(alive.filter(pk__gt=rows[-1][0])[:_CHUNK])


def _is_of(user: Any, session: dict[str, Any]) -> bool:
    return bool(session.get(SESSION_KEY) == user._meta.pk.value_to_string(user))


def _end(user: Any, key: str) -> int:
    store = _store()
    # By the store, which knows of a cache besides.
    store(key).delete()
    recorder.note(
        events.SESSION_REVOKED,
        user=user,
        using=router.db_for_write(store.get_model_class()),
        metadata={"via": VIA, "session_ref": context.session_ref(key)},
    )
    return 1

"""Acting as another account: what begins and ends it, for the packages that bring it about."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django_authaudit import context, events, recorder
from django_authaudit.drafts import Draft, find_person


def started(request: Any, target: Any, via: str, *, actor: Any = None, **metadata: Any) -> None:
    """Record that who is behind `request` acts as `target` from now on."""
    recorder.note(
        events.IMPERSONATION_STARTED,
        request=request,
        user=target,
        actor=actor,
        metadata={"via": via, **metadata},
        explain=_name_session,
    )


def ended(request: Any, target: Any, via: str, *, actor: Any = None) -> None:
    """Record that who is behind `request` acts as `target` no longer."""
    recorder.note(
        events.IMPERSONATION_ENDED,
        request=request,
        user=target,
        actor=actor,
        metadata={"via": via},
    )


def real_person(request: Any) -> Any:
    """Return the account of who is behind `request`: the signed-in one, or who acts as it."""
    found = context.impersonation(request, load=True)
    person = find_person(request, found.accounts[0]) if found is not None else None
    return person or context.ask_signed_in(request)


def end_with_session(request: Any) -> Any:
    """Record that a logout ends what acting as others there is; return the real person.

    Returns None where there is none. A second call for the same request records nothing more.
    """
    found = context.impersonation(request, load=True)
    if found is None:
        return None
    person, *others = (find_person(request, key) for key in found.accounts)
    if not request.__dict__.setdefault("_authaudit_ended", False):
        request.__dict__["_authaudit_ended"] = True
        for target in reversed(others):
            ended(request, target, found.via)
    return person


def on_user_logged_out(sender: Any, request: Any = None, **kwargs: Any) -> None:
    """Record that the logout of who acts as another ends it: the session is still there."""
    if not context.person_stays():
        end_with_session(context.underlying(request))


def without_login(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a package's ``login()`` or ``logout()`` such that it is none of anybody."""

    @functools.wraps(call)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with context.same_person():
            return call(*args, **kwargs)

    return wrapper


def _name_session(draft: Draft) -> bool:
    draft.name_session()
    return True

"""Acting as another account: what begins and ends it, for the packages that bring it about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import SESSION_KEY

from django_authaudit import context, events, recorder
from django_authaudit.drafts import Draft, find_person
from django_authaudit.guard import guard

_LEFT = "_authaudit_session_left"


def kept(request: Any, name: str) -> Any:
    """Return what the session of `request` holds under `name`, or None."""
    return getattr(request, "session", {}).get(name)


def chain(request: Any, *through: Any) -> tuple[Any, ...]:
    """Return the keys in `through`, the real person's first, and that of the signed-in account.

    Empty, as `context.real_people` wants it, where nobody acts as another.
    """
    return (*through, kept(request, SESSION_KEY)) if through else ()


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
        explain=_name_session_left,
    )


def refused(request: Any, via: str) -> None:
    """Record that who is signed in may not act as another, where the view only redirects."""
    scope = context.current()
    if scope is None or scope.refused or _has_begun(scope):
        return
    recorder.note(
        events.FORBIDDEN,
        request=request,
        user=context.UNKNOWN,
        metadata={"via": via, "view": context.view_name(request)},
        explain=_unless_of_nobody,
    )


def real_person(request: Any) -> Any:
    """Return the account of who is behind `request`: the signed-in one, or who acts as it."""
    found = context.impersonation(request, load=True)
    person = find_person(request, found.accounts[0]) if found is not None else None
    return person or context.ask_signed_in(request)


def through(request: Any, person: Any) -> dict[str, str]:
    """Return, as metadata, the name of the account that `person` acts as already, if one."""
    account = context.ask_signed_in(request)
    return {} if account == person else {"through": account.get_username()}


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
    """Return a package's ``login()`` such that it is nobody's, for `calls.replace()`."""

    def wrapper(request: Any, *args: Any, **kwargs: Any) -> Any:
        with guard("looking at the session that ends"):
            django_request = context.underlying(request)
            django_request.__dict__[_LEFT] = context.session_key(django_request)
        with context.same_person():
            return call(request, *args, **kwargs)

    return wrapper


def _has_begun(scope: context.RequestContext) -> bool:
    return any(draft.event.code == events.IMPERSONATION_STARTED for draft in scope.pending)


def _name_session(draft: Draft) -> bool:
    draft.name_session()
    return True


def _name_session_left(draft: Draft) -> bool:
    left = getattr(draft.request, _LEFT, None)
    draft.session_key = left or draft.session_key
    return True


def _unless_of_nobody(draft: Draft) -> bool:
    return not draft.of_nobody()

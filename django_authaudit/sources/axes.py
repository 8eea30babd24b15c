"""Lockouts by django-axes."""

from __future__ import annotations

from typing import Any

from django_authaudit import events, lookups, recorder, wraps
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import login_failures
from django_authaudit.sources import base

_BACKENDS = "axes."


class Source(base.Source):
    """Its lockout signal, and the deletion of its attempts, which is how it unlocks."""

    requires = "axes"
    records = (
        events.ACCOUNT_LOCKED,
        events.ACCOUNT_UNLOCKED,
        events.LOGIN_FAILURE,
    )
    blind = "Unlocking with the cache handler, which keeps no rows."

    def connect(self) -> None:
        """Connect the signal and, for the database handler, the attempts."""
        from axes.models import AccessAttempt
        from axes.signals import user_locked_out
        from django.db.models import signals

        login_failures.refusal_reasons[_BACKENDS] = "locked"
        self.listen(user_locked_out, on_user_locked_out)
        self.listen(signals.pre_delete, on_pre_delete_attempt, sender=AccessAttempt)
        self.listen(signals.post_delete, on_post_delete_attempt, sender=AccessAttempt)


def on_user_locked_out(
    sender: Any, request: Any = None, username: Any = None, **kwargs: Any
) -> None:
    """Record the failed login, and the lockout if this attempt brought it about.

    axes sends the signal for each attempt while locked. The one that locks is the one whose
    password was still checked. Who sends it without Django's own signal has a failed login that
    nobody else tells of.
    """
    name = str(username or _typed(request))
    login_failures.note_beforehand(request, name)
    if not wraps.current_attempt(request).refused_by.startswith(_BACKENDS):
        recorder.note(
            events.ACCOUNT_LOCKED,
            request=request,
            username=name,
            metadata={"via": "axes"},
            explain=_name_account,
        )


def _typed(request: Any) -> str:
    """Return the name that axes has overlooked: a form may call it otherwise than its backend."""
    return lookups.identifier(getattr(request, "axes_credentials", None) or {})[0]


def on_pre_delete_attempt(sender: Any, instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Find the locks that the attempt is a part of, while all attempts are still there."""
    seen = _seen(origin)
    locks = [lock for lock in _locks(instance) if lock not in seen and _holds(instance, lock)]
    seen.update(locks)
    instance.__dict__["_authaudit_locks"] = locks


def on_post_delete_attempt(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Record the locks that were opened, once however many attempts they were made of."""
    locks = instance.__dict__.pop("_authaudit_locks", ())
    opened = [dict(lock) for lock in locks if not _holds(instance, lock)]
    if opened:
        recorder.note(
            events.ACCOUNT_UNLOCKED,
            username=instance.username or "",
            using=using,
            metadata={"via": "axes", "parameters": opened},
            explain=_name_account,
        )


Lock = tuple[tuple[str, Any], ...]
"""What axes locks by: columns of its attempts and their values."""


def _locks(attempt: Any) -> list[Lock]:
    from axes.helpers import get_client_parameters

    parameters = get_client_parameters(
        attempt.username, attempt.ip_address, attempt.user_agent, attempt, _credentials(attempt)
    )
    return [tuple(values.items()) for values in parameters]


def _holds(attempt: Any, lock: Lock) -> bool:
    from axes.helpers import get_failure_limit
    from django.db.models import Sum

    attempts = type(attempt)._base_manager.using(attempt._state.db).filter(**dict(lock))
    failures = attempts.aggregate(total=Sum("failures_since_start"))["total"] or 0
    # Who unlocks does so without the request that was locked.
    limit: int = get_failure_limit(None, _credentials(attempt))
    return failures >= limit


def _credentials(attempt: Any) -> dict[str, Any]:
    return {"username": attempt.username}


def _seen(origin: Any) -> set[Lock]:
    seen: set[Lock] = getattr(origin, "__dict__", {}).setdefault("_authaudit_locks_seen", set())
    return seen


def _name_account(draft: Draft) -> bool:
    typed = draft.username
    account = lookups.find_or_mask(draft, typed)
    if account is not None:
        draft.concerns(account)
        return True
    for values in draft.metadata.get("parameters", ()):
        if values.get("username") == typed:
            values["username"] = draft.username
    return True

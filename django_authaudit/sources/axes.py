"""Lockouts by django-axes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django_authaudit import events, login_failures, lookups, recorder, wraps
from django_authaudit.drafts import Draft
from django_authaudit.sources import base

_BACKENDS = "axes."


class Source(base.Source):
    """Its lockout signal, and the deletion of its attempts, which is how it unlocks."""

    requires = "axes"

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
    password was still checked. A receiver that raises, as axes' documentation shows for REST
    framework, keeps Django's own signal from us: so the failure is recorded here too.
    """
    name = str(username or "")
    login_failures.note_beforehand(request, name)
    if not wraps.current_attempt(request).refused_by.startswith(_BACKENDS):
        recorder.note(
            events.ACCOUNT_LOCKED,
            request=request,
            username=name,
            metadata={"via": "axes"},
            explain=_name_account,
        )


def on_pre_delete_attempt(sender: Any, instance: Any, origin: Any = None, **kwargs: Any) -> None:
    """Find the locks that the deletion opens, while all attempts are still there."""
    instance.__dict__["_authaudit_unlocks"] = [
        key for key in _locks(sender, instance) if key not in _seen(origin)
    ]
    _seen(origin).update(instance.__dict__["_authaudit_unlocks"])


def on_post_delete_attempt(sender: Any, instance: Any, using: str, **kwargs: Any) -> None:
    """Record each lock that was opened, once however many attempts it was made of."""
    for key in instance.__dict__.pop("_authaudit_unlocks", ()):
        parameters = dict(key)
        recorder.note(
            events.ACCOUNT_UNLOCKED,
            username=instance.username or "",
            using=using,
            metadata={"via": "axes", "parameters": parameters},
            explain=_name_account,
        )


Key = tuple[tuple[str, str], ...]


def _locks(model: Any, attempt: Any) -> Iterator[Key]:
    from axes.conf import settings
    from axes.helpers import get_failure_limit
    from django.db.models import Sum

    limit = get_failure_limit(None, {"username": attempt.username})
    parameters = settings.AXES_LOCKOUT_PARAMETERS
    # A callable decides by the request, which is gone: the attempt's own count must do.
    groups = [("username", "ip_address", "user_agent")] if callable(parameters) else parameters
    for group in groups:
        names = (group,) if isinstance(group, str) else tuple(group)
        values = {name: getattr(attempt, name) for name in names}
        failures = model.objects.filter(**values).aggregate(total=Sum("failures_since_start"))
        if (failures["total"] or 0) >= limit:
            yield tuple((name, str(value)) for name, value in values.items())


def _seen(origin: Any) -> set[Key]:
    seen: set[Key] = getattr(origin, "__dict__", {}).setdefault("_authaudit_unlocked", set())
    return seen


def _name_account(draft: Draft) -> bool:
    account = lookups.find_account(draft.username)
    if account is None:
        lookups.mask_unless_a_name(draft)
    else:
        draft.concerns(account)
    return True

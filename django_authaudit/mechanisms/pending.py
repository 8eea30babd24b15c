"""What the request under way has recorded so far, for a source that knows more of it."""

from __future__ import annotations

from typing import Any

from django_authaudit import context, events
from django_authaudit.drafts import Draft


def drafts(code: str, user: Any = None) -> list[Draft]:
    """Return the drafts of that event, oldest first; with `user` those of that account alone."""
    scope = context.current()
    found = scope.pending if scope is not None else ()
    return [
        draft
        for draft in found
        if draft.event.code == code and (user is None or draft.user_id == context.key_of(user))
    ]


def last(code: str, user: Any = None) -> Draft | None:
    """Return the latest of `drafts()`, or None."""
    found = drafts(code, user)
    return found[-1] if found else None


def turn_into(draft: Draft, code: str, user: Any, **metadata: Any) -> None:
    """Have `draft` tell the same happening as another event, all of which is known."""
    draft.event = events.get(code)
    draft.outcome = draft.event.outcome
    draft.username = draft.email = ""
    draft.concerns(user)
    draft.metadata = metadata
    draft.explain = None


def drop(draft: Draft) -> None:
    """Record nothing of `draft` after all: it is a part of something else."""
    draft.explain = _nothing


def take_back(draft: Draft) -> None:
    """Record nothing of a refusal that turns out to be none: another may be recorded then."""
    drop(draft)
    scope = draft.scope
    if scope is not None:
        others = (other for other in scope.pending if other is not draft)
        scope.refused = any(other.outcome == events.FAILURE for other in others)


def _nothing(draft: Draft) -> bool:
    return False

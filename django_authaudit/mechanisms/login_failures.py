"""One failed login is one entry, whoever hears of it first."""

from __future__ import annotations

from typing import Any

from django_authaudit import events, lookups, recorder, wraps
from django_authaudit.drafts import Draft

refusal_reasons: dict[str, str] = {}
"""What it means when a backend refuses, by the beginning of its path; sources add theirs."""

_MEANING = "_authaudit_meaning"


def explain_form(form: Any, **metadata: Any) -> None:
    """Say, as metadata, what it means that a login form refuses after the right password.

    Without any, it is nothing.
    """
    form.__dict__[_MEANING] = metadata


def meaning_of(form: Any) -> dict[str, Any] | None:
    """Return what `explain_form()` was told of this validation of the form, or None."""
    found: dict[str, Any] | None = form.__dict__.pop(_MEANING, None)
    return found


def note_attempt(request: Any, name: str, email: str, *, by_django: bool) -> None:
    """Record the failure of the present ``authenticate()``, unless another signal told of it."""
    attempt = wraps.current_attempt(request)
    if attempt.over:
        # Some package sends the signal without calling authenticate().
        attempt = wraps.Attempt(request)
    if not by_django:
        # The backend that accepted the password has ended the loop too.
        attempt.refused_by = ""
    attempt.over = True
    if not attempt.noted:
        _note(attempt, request, name, email)


def note_beforehand(request: Any, name: str) -> None:
    """Record the same from a signal after which Django's own may never come."""
    attempt = wraps.current_attempt(request)
    if not attempt.noted:
        _note(attempt, request, name, "")


def _note(attempt: wraps.Attempt, request: Any, name: str, email: str) -> None:
    attempt.noted = True
    metadata = {}
    if attempt.refused_by:
        metadata = {"reason": _reason(attempt.refused_by), "backend": attempt.refused_by}
    recorder.note(
        events.LOGIN_FAILURE,
        request=request,
        username=name,
        email=email,
        metadata=metadata,
        explain=explain,
    )


def _reason(backend: str) -> str:
    reasons = (reason for path, reason in refusal_reasons.items() if backend.startswith(path))
    return next(reasons, "backend_refused")


def explain(draft: Draft) -> bool:
    """Name the account, or mask what was typed, and say why the login failed."""
    account = lookups.find_or_mask(draft, draft.username, draft.email)
    if account is None:
        draft.metadata.setdefault("reason", "unknown_user")
        return True
    typed, draft.username, draft.email = draft.username, "", ""
    draft.concerns(account)
    if typed not in (draft.username, draft.email):
        draft.metadata["typed"] = lookups.name_or_mask(typed)
    active = getattr(account, "is_active", True)
    draft.metadata.setdefault("reason", "invalid_password" if active else "inactive")
    return True

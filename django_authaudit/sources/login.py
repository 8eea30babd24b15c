"""Sign-in, its failure, and sign-out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import SESSION_KEY

from django_authaudit import context, events, lookups, recorder, wraps
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import impersonation, login_failures
from django_authaudit.sources import base


class Source(base.Source):
    """Django's three signals, and what its login form refuses without one."""

    records = (
        events.LOGIN_SUCCESS,
        events.LOGIN_FAILURE,
        events.LOGOUT,
    )
    blind = (
        "A token that never calls login(), a backend that raises anything but "
        "PermissionDenied, and a session that ends by itself or under another login."
    )

    def connect(self) -> None:
        """Connect the signals and wrap the form."""
        from django.contrib.auth import signals
        from django.contrib.auth.forms import AuthenticationForm

        self.listen(signals.user_logged_in, on_user_logged_in)
        self.listen(signals.user_logged_out, on_user_logged_out)
        self.listen(signals.user_login_failed, on_user_login_failed)
        wraps.follow_backends()
        wraps.after_cleaning(AuthenticationForm, on_login_form_cleaned)


def on_user_logged_in(sender: Any, request: Any = None, user: Any = None, **kwargs: Any) -> None:
    """Record a login, once however often a package sends it."""
    if user is None or context.person_stays() or _recorded_already(events.LOGIN_SUCCESS, user):
        return
    _settle_actors(None)
    backend = getattr(user, "backend", "")
    session = getattr(context.underlying(request), "session", None)
    recorder.note(
        events.LOGIN_SUCCESS,
        request=request,
        user=user,
        actor=user,
        metadata={"backend": backend} if backend else {},
        # A login by token has no session to lose.
        explain=_complete_login if session is not None and SESSION_KEY in session else None,
    )


def on_user_logged_out(sender: Any, request: Any = None, user: Any = None, **kwargs: Any) -> None:
    """Record a logout, once however often a package sends it; that of nobody is nothing."""
    django_request = context.underlying(request)
    # alogout() gives None where only request.user was set (Django's AsyncClient).
    user = user or context.signed_in(django_request)
    if user is context.UNKNOWN or context.known(user) is None or context.person_stays():
        return
    _settle_actors(user)
    # Who acts as another signs out with that account.
    person = impersonation.end_with_session(django_request) or user
    if not _recorded_already(events.LOGOUT, person):
        recorder.note(
            events.LOGOUT, request=request, user=person, actor=person, explain=_complete_logout
        )


def on_user_login_failed(
    sender: Any, credentials: Any = None, request: Any = None, **kwargs: Any
) -> None:
    """Record a failure; the reason is looked up at the flush."""
    if context.person_stays():
        return
    name, email = lookups.identifier(credentials or {})
    by_django = sender == "django.contrib.auth"
    login_failures.note_attempt(request, name, email, by_django=by_django)


def on_login_form_cleaned(form: Any) -> None:
    """Record what Django's login form refused before or after the password was checked."""
    if not form.is_bound or not form.errors:
        return
    if form.user_cache is not None:
        _refused_after_password(form)
    else:
        _refused_before_password(form)


def _refused_after_password(form: Any) -> None:
    metadata = login_failures.meaning_of(form)
    if metadata is None:
        codes = [error.code for errors in form.errors.as_data().values() for error in errors]
        reason = "inactive" if "inactive" in codes else "not_permitted"
        metadata = {"reason": reason, "code": next(filter(None, codes), "")}
    if metadata:
        user = form.user_cache
        recorder.note(events.LOGIN_FAILURE, request=form.request, user=user, metadata=metadata)


def _refused_before_password(form: Any) -> None:
    # What authenticate() has refused, a form may tell at its fields too.
    if form.request is not None and wraps.current_attempt(form.request).over:
        return
    refused = [
        name
        for name in ("username", "password")
        if any(error.code != "required" for error in form.errors.as_data().get(name, ()))
    ]
    if refused:
        typed = str(form.data.get(form.add_prefix("username")) or "")
        metadata = {"reason": "malformed", "field": refused[0]}
        recorder.note(
            events.LOGIN_FAILURE,
            request=form.request,
            username=typed,
            metadata=metadata,
            explain=login_failures.explain,
        )


def _complete_login(draft: Draft) -> bool:
    draft.name_session()
    return True


def _complete_logout(draft: Draft) -> bool:
    """Say when the session goes on: another app's receiver raised, or a token signed out alone."""
    key = draft.session_key
    if draft.scope is not None and key and context.session_key(draft.request) == key:
        draft.metadata["session_kept"] = True
    return True


def _recorded_already(event: str, user: Any) -> bool:
    """Return whether the last login or logout of the request was this one."""
    scope = context.current()
    for draft in reversed(scope.pending if scope is not None else ()):
        if draft.event.code in (events.LOGIN_SUCCESS, events.LOGOUT):
            return bool(draft.event.code == event and draft.user_id == context.key_of(user))
    return False


def _settle_actors(user: Any) -> None:
    """Say who was signed in so far, for the request is about to have another user."""
    scope = context.current()
    for draft in scope.pending if scope is not None else ():
        draft.settle(user)

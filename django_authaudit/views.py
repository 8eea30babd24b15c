"""Pages for the owner of an account: what happened to it, and "this wasn't me"."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.crypto import get_random_string
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from django_authaudit import activity, context, devices, events, lookups, recorder, sessions, words

_RESET_PAGES = ("password_reset", "account_reset_password", "admin_password_reset")
"""Names of the page that sends a link to reset a password: Django's, django-allauth's."""


@never_cache
@login_required
@require_safe
def recent(request: HttpRequest) -> HttpResponse:
    """Show what happened to one's own account, newest first."""
    page = activity.page(request.user, _entry_id(request.GET.get("before")))
    own = context.session_ref(request.session.session_key)
    rows = [_row(entry, own, page.ended) for entry in page.entries]
    return render(
        request,
        "django_authaudit/account/activity.html",
        {"rows": rows, "older": page.older, "can_end": sessions.can_be_ended()},
    )


@csrf_protect
@login_required
@require_POST
def end_session(request: HttpRequest) -> HttpResponse:
    """End one session of one's own."""
    _refuse_impersonators(request)
    ended = sessions.end_one(request.user, request.POST.get("session", ""))
    _tell_ended(request, ended)
    return redirect("django_authaudit:activity")


@csrf_protect
@login_required
@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere else."""
    _refuse_impersonators(request)
    _tell_ended(request, sessions.end_all(request.user, but=request.session.session_key))
    return redirect("django_authaudit:activity")


@never_cache
@csrf_protect
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Say that it wasn't oneself: sessions end, and the password has to be reset."""
    _refuse_impersonators(request)
    entry = get_object_or_404(activity.of(request.user), pk=pk)
    must_reset = _can_reset(request.user) and not activity.has_new_address(request.user, entry)
    if request.method != "POST":
        row = _row(entry, context.session_ref(request.session.session_key), frozenset())
        found = {"row": row, "must_reset": must_reset, "can_end": sessions.can_be_ended()}
        return render(request, "django_authaudit/account/dispute.html", found)
    user: Any = request.user
    if must_reset:
        # First of all, for it ends every session of every engine. No unusable one: Django's form
        # sends no link to an account that has no password to reset.
        user.set_password(get_random_string(64))
        user.save(update_fields=["password"])
    ended = sessions.end_all(user, but=request.session.session_key)
    recorder.note(
        events.ACTIVITY_DISPUTED,
        request=request,
        user=user,
        metadata={
            "entry": str(entry.pk),
            "event": entry.event,
            "sessions": ended,
            "password_taken": must_reset,
        },
    )
    if not must_reset:
        _tell_ended(request, ended)
        return redirect("django_authaudit:activity")
    logout(request)
    return redirect("django_authaudit:disputed")


@require_safe
def disputed(request: HttpRequest) -> HttpResponse:
    """Say how to go on: the password is gone, a link by e-mail brings a new one."""
    found = {"reset_page": _reset_page()}
    return render(request, "django_authaudit/account/disputed.html", found)


def _row(entry: Any, own_session: str, ended: frozenset[str]) -> dict[str, Any]:
    ref = entry.session_ref if entry.event == events.LOGIN_SUCCESS else ""
    by_another = entry.actor_id is not None and entry.actor_id != entry.user_id
    return {
        "entry": entry,
        "label": words.label(entry),
        "failed": entry.outcome == events.FAILURE,
        "outcome": words.signed_outcome(entry.outcome),
        "why": words.coded(words.REASONS, entry.metadata.get("reason", "")),
        "by_another": by_another,
        # Where an administrator sits, and at what, is not for the owner to know.
        "address": "" if by_another else entry.ip_address or "",
        "device": "" if by_another else devices.describe(entry.user_agent),
        "is_own_session": bool(entry.session_ref) and entry.session_ref == own_session,
        "session_to_end": ref if ref not in (own_session, *ended) else "",
    }


def _entry_id(text: str | None) -> UUID | None:
    """Return the id in `text`; what is none counts as the first page."""
    with suppress(ValueError):
        return UUID(text) if text else None
    return None


def _refuse_impersonators(request: HttpRequest) -> None:
    """Raise PermissionDenied for who acts as the owner: it is not theirs to say."""
    if context.impersonation(request, load=True) is not None:
        raise PermissionDenied


def _tell_ended(request: HttpRequest, ended: int) -> None:
    text = ngettext("%d session has been ended.", "%d sessions have been ended.", ended) % ended
    messages.success(
        request, text if ended else gettext("No other session was open."), fail_silently=True
    )


def _can_reset(user: Any) -> bool:
    """Return whether a lost password comes back by e-mail: else nobody may take it away."""
    address = getattr(user, lookups.email_field(), "")
    return bool(address and user.has_usable_password() and _reset_page())


def _reset_page() -> str:
    for name in _RESET_PAGES:
        with suppress(NoReverseMatch):
            return reverse(name)
    return ""

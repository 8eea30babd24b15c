"""Impersonation by django-su."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django_authaudit import context, events
from django_authaudit.drafts import find_person
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, impersonation
from django_authaudit.sources import base

VIA = "su"
_BEGINS = "_authaudit_su_begins"


class Source(base.Source):
    """What its views do: it sends no signal."""

    requires = "django_su"
    records = (events.IMPERSONATION_STARTED, events.IMPERSONATION_ENDED)
    blind = "An impersonation that ends with the age of its session or under another login."

    def connect(self) -> None:
        """Wrap what both views call to sign the other account in.

        That is ``authenticate()``, in the view that begins it alone, and ``login()`` or the
        project's own function in its place (django_su/views.py, `login_as_user`, `su_logout`).
        """
        from django.contrib.auth.signals import user_logged_out
        from django_su import views

        context.real_people[VIA] = accounts_of
        self.listen(user_logged_out, impersonation.on_user_logged_out)
        calls.replace(views, "authenticate", _around_authenticate)
        calls.replace(views, "login", _around_login)
        calls.replace(views, "custom_login_action", _around_login)


def accounts_of(request: Any) -> Sequence[Any]:
    """Return the keys of who acts as whom: one may do so again as another."""
    through = impersonation.kept(request, "exit_users_pk") or ()
    return impersonation.chain(request, *(key for key, backend in through))


def _around_authenticate(original: Callable[..., Any]) -> Callable[..., Any]:
    def authenticate(request: Any, **credentials: Any) -> Any:
        # An account that is none is no failed login of anybody.
        with context.same_person():
            user = original(request, **credentials)
        request.__dict__[_BEGINS] = True
        return user

    return authenticate


def _around_login(original: Callable[..., Any]) -> Callable[..., Any]:
    quiet = impersonation.without_login(original)

    def login(request: Any, user: Any) -> Any:
        note = None
        with guard("looking at who acts as another"):
            note = _begins(request, user) if _BEGINS in request.__dict__ else _ends(request, user)
        result = quiet(request, user)
        # The project has no function of its own: what follows is login().
        if result is not False and note is not None:
            with guard("recording who acts as another"):
                note()
        return result

    return login


def _begins(request: Any, target: Any) -> Callable[[], None]:
    person = impersonation.real_person(request)
    facts = impersonation.through(request, person)
    return lambda: impersonation.started(request, target, VIA, actor=person, **facts)


def _ends(request: Any, restored: Any) -> Callable[[], None]:
    # Whom the view restores is no longer in the session.
    accounts = accounts_of(request)
    person = find_person(request, accounts[0]) if accounts else restored
    target = context.ask_signed_in(request)
    return lambda: impersonation.ended(request, target, VIA, actor=person)

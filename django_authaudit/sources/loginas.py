"""Impersonation by django-loginas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.core.signing import BadSignature

from django_authaudit import context, events, observers
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, impersonation
from django_authaudit.sources import base

VIA = "loginas"
_RESTORES = "_authaudit_restores"


class Source(base.Source):
    """What its functions do: it sends no signal."""

    requires = "loginas"
    records = (events.IMPERSONATION_STARTED, events.IMPERSONATION_ENDED, events.FORBIDDEN)
    blind = (
        "An impersonation that ends with the age of its session or under another login; and "
        "who is behind the account, where one acts as a third account already as another."
    )

    def connect(self) -> None:
        """Wrap the ``login()`` and ``logout()`` that the package calls.

        `login_as()` and `restore_original_login()` call them by these names (loginas/utils.py),
        from the package's views and from a project's.
        """
        from django.contrib.auth.signals import user_logged_out
        from loginas import utils

        context.real_people[VIA] = accounts_of
        self.listen(user_logged_out, impersonation.on_user_logged_out)
        observers.on_response(on_redirect, _is_from_the_beginning)
        calls.replace(utils, "login", _around_login)
        calls.replace(utils, "logout", _around_logout)


def accounts_of(request: Any) -> Sequence[Any]:
    """Return the keys of the real person and of the account acted as."""
    from loginas import settings

    signed = impersonation.kept(request, settings.USER_SESSION_FLAG)
    if not signed:
        return ()
    # The session is the server's own; the signature only limits the way back in time.
    key = str(signed).rsplit(":", 2)[0]
    # A project may use `login_as()` for who is not signed in.
    return impersonation.chain(request, key) if key != "None" else ()


def on_redirect(request: Any, response: Any, exception: Any) -> None:
    """Record that the view was asked to begin, and redirected without doing so."""
    from loginas import settings

    if _typed_in(request) or not settings.LOGIN_REASON_REQUIRED:
        impersonation.refused(request, VIA)


def _is_from_the_beginning(request: Any, response: Any, exception: Any) -> bool:
    return getattr(response, "status_code", None) == 302 and _is_own_view(request)


def _is_own_view(request: Any) -> bool:
    return context.view_name(request) == "loginas.views.user_login"


def _typed_in(request: Any) -> str:
    return str(request.POST.get("reason", "")).strip()


def _around_login(original: Callable[..., Any]) -> Callable[..., Any]:
    quiet = impersonation.without_login(original)

    def login(request: Any, user: Any, *args: Any, **kwargs: Any) -> Any:
        if request.__dict__.pop(_RESTORES, False):
            return quiet(request, user, *args, **kwargs)
        person, facts = None, {}
        with guard("looking at who begins to act as another"):
            person = impersonation.real_person(request)
            facts = _facts(request, person)
        if person is None:
            return original(request, user, *args, **kwargs)
        result = quiet(request, user, *args, **kwargs)
        with guard("recording who acts as another"):
            impersonation.started(request, user, VIA, actor=person, **facts)
        return result

    return login


def _facts(request: Any, person: Any) -> dict[str, str]:
    facts = impersonation.through(request, person)
    if _is_own_view(request) and _typed_in(request):
        facts["reason"] = _typed_in(request)
    return facts


def _around_logout(original: Callable[..., Any]) -> Callable[..., Any]:
    quiet = impersonation.without_login(original)

    def logout(request: Any) -> Any:
        restores = False
        with guard("looking at who acts as another"):
            restores = _restores(request)
        if not restores:
            return original(request)
        with guard("recording who acts as another no longer"):
            impersonation.end_with_session(request)
        request.__dict__[_RESTORES] = True
        return quiet(request)

    return logout


def _restores(request: Any) -> bool:
    """Return whether `restore_original_login()` signs the real person in again."""
    from loginas import settings, utils

    if not accounts_of(request):
        return False
    days = timedelta(days=settings.USER_SESSION_DAYS_TIMESTAMP)
    signed = impersonation.kept(request, settings.USER_SESSION_FLAG)
    try:
        utils.signer.unsign(signed, max_age=days.total_seconds())
    except BadSignature:
        return False
    return True

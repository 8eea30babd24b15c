"""The request that is being answered, and what can be read of it without asking anybody."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.crypto import salted_hmac
from django.utils.functional import LazyObject

from django_authaudit.addresses import client_address
from django_authaudit.cleaning import mask_path

_REQUEST_ID = re.compile(r"[\w.:/+=@-]{8,128}", re.ASCII)
UNKNOWN: Any = object()
"""Stands for the signed-in user of the request, whom nobody has asked for yet."""


class RequestContext:
    """What one request has recorded so far. One object, so that worker threads append to it."""

    __slots__ = (
        "exception",
        "open",
        "pending",
        "refused",
        "request",
        "response",
        "session_outside",
        "token",
    )

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.pending: list[Any] = []
        self.refused = False
        self.exception: BaseException | None = None
        self.response: Any = None
        self.open = True
        # A session that was there before us is saved after our flush.
        self.session_outside = hasattr(request, "session")
        self.token: Any = None


_current: ContextVar[RequestContext | None] = ContextVar("django_authaudit", default=None)


def enter(request: HttpRequest) -> RequestContext:
    """Begin `request`; give the context to `leave()`."""
    scope = RequestContext(request)
    scope.token = _current.set(scope)
    return scope


def leave(scope: RequestContext) -> None:
    """End the request that `enter()` began."""
    _current.reset(scope.token)


def current() -> RequestContext | None:
    """Return the context of the request under way, or None outside one."""
    found = _current.get()
    return found if found is not None and found.open else None


def note_exception(exception: BaseException) -> None:
    """Remember what the response under way is made of."""
    scope = current()
    if scope is not None:
        scope.exception = exception


def underlying(request: Any) -> HttpRequest | None:
    """Return Django's request of a request by Django REST framework, or `request` if it is one.

    The framework's own `user` property authenticates: reading it in a receiver of
    ``user_login_failed`` never ends.
    """
    found = getattr(request, "_request", request)
    return found if isinstance(found, HttpRequest) else None


def signed_in(request: HttpRequest | None) -> Any:
    """Return the signed-in user as far as already known: a user, None, or UNKNOWN."""
    if request is None:
        return None
    values = request.__dict__
    user = values.get("user")
    if isinstance(user, LazyObject):
        user = values.get("_cached_user") or values.get("_acached_user") or UNKNOWN
    return known(user)


def ask_signed_in(request: HttpRequest) -> Any:
    """Return the signed-in user or None; may query, so not in an event loop."""
    return known(getattr(request, "user", None))


def known(user: Any) -> Any:
    """Return `user` if it stands for an account, else None."""
    if user is UNKNOWN:
        return user
    return user if getattr(user, "is_authenticated", False) and key_of(user) is not None else None


def remember_key(user: Any) -> None:
    """Have `key_of()` know `user` after its deletion, when Django takes the key away."""
    user.__dict__["_authaudit_key"] = user.pk


def key_of(user: Any) -> Any:
    """Return the primary key that `user` has, or had before it was deleted."""
    return user.pk if user.pk is not None else getattr(user, "_authaudit_key", None)


class Impersonation(NamedTuple):
    """One account acting as another."""

    via: str
    """The package by which it does."""
    accounts: tuple[Any, ...]
    """The keys of the accounts, from the real person's to that of the one acted as."""

    def hides(self, account: Any) -> bool:
        """Return whether the real person is behind `account`; nobody named is the request's."""
        return account is None or str(account.pk) in map(str, self.accounts)


real_people: dict[str, Callable[[HttpRequest], Sequence[Any]]] = {}
"""Who is behind a request that acts as another account. By package, a function that reads the
keys of `Impersonation.accounts` from the request's session; none when nobody acts as another. It
must not query. Sources add theirs."""


def impersonation(request: HttpRequest | None, *, load: bool = False) -> Any:
    """Return the `Impersonation` under way, None, or UNKNOWN while the session is not loaded.

    With `load` the session is loaded; this may query, so not in an event loop.
    """
    if not real_people or request is None:
        return None
    session = getattr(request, "session", None)
    if isinstance(session, SessionBase) and not (load or "_session_cache" in vars(session)):
        return UNKNOWN
    for via, ask in real_people.items():
        if accounts := tuple(ask(request)):
            return Impersonation(via, accounts)
    return None


_same_person: ContextVar[bool] = ContextVar("django_authaudit.same_person", default=False)


@contextmanager
def same_person() -> Iterator[None]:
    """Have what ``login()``, ``logout()`` and ``authenticate()`` send inside mean nothing.

    So it is where somebody begins or ceases to act as another, or confirms a session.
    """
    token = _same_person.set(True)
    try:
        yield
    finally:
        _same_person.reset(token)


def person_stays() -> bool:
    """Return whether who is behind the request stays, though an account signs in or out."""
    return _same_person.get()


def request_facts(request: HttpRequest) -> dict[str, Any]:
    """Return the columns that describe `request`, uncleaned."""
    client = client_address(request.META)
    facts: dict[str, Any] = {
        "ip_address": client.address,
        "user_agent": request.META.get("HTTP_USER_AGENT", ""),
        "request_id": _request_id(request, client.via_trusted_proxy),
        "method": request.method or "",
        "path": masked_path(request),
    }
    if client.unverified:
        facts["metadata"] = {"untrusted_forwarded_for": client.unverified}
    return facts


def _request_id(request: HttpRequest, trusted: bool) -> str:
    """Return one id for all entries of the request: the proxy's, if it is trusted, or ours."""
    values = request.__dict__
    if "_authaudit_request_id" not in values:
        sent = request.META.get("HTTP_X_REQUEST_ID", "") if trusted else ""
        own = uuid.uuid4().hex
        values["_authaudit_request_id"] = sent if _REQUEST_ID.fullmatch(sent) else own
    return str(values["_authaudit_request_id"])


def masked_path(request: HttpRequest) -> str:
    """Return the path without its query string and without the secrets in it."""
    match = request.resolver_match
    if match is None:
        try:
            match = resolve(request.path_info, getattr(request, "urlconf", None))
        except Resolver404:
            return mask_path(request.path, {})
    return mask_path(request.path, match.kwargs)


def session_key(request: HttpRequest | None) -> str | None:
    """Return the key of the request's session without loading it."""
    return getattr(getattr(request, "session", None), "session_key", None)


def session_ref(key: str | None) -> str:
    """Return a keyed hash of a session key, by which entries of one session are found."""
    if not key:
        return ""
    return salted_hmac("django_authaudit.session", key, algorithm="sha256").hexdigest()[:32]


def view_name(request: HttpRequest | None) -> str:
    """Return the dotted path of the view that the URL named, or nothing."""
    return str(getattr(getattr(request, "resolver_match", None), "_func_path", ""))


def view_class(request: HttpRequest) -> Any:
    """Return the class of a class-based view, or None."""
    match = request.resolver_match
    if match is None:
        return None
    # A view set of Django REST framework has its class under a name of its own.
    return getattr(match.func, "view_class", None) or getattr(match.func, "cls", None)

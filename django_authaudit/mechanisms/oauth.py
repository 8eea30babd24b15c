"""An OAuth server's calls and what its clients send, for the source of a package that is one.

The secret of a client is not read. What it presents as its name may be the secret by mistake, and
is stored only if there is a client of that name.
"""

from __future__ import annotations

import functools
import json
from base64 import b64decode
from collections.abc import Callable
from contextvars import ContextVar
from importlib.util import find_spec
from pkgutil import resolve_name
from typing import Any
from urllib.parse import unquote_plus

from django.utils.crypto import salted_hmac

from django_authaudit import context, events, recorder
from django_authaudit.cleaning import MASK
from django_authaudit.drafts import Draft
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, pending

_GRANT_TYPES = (
    "authorization_code",
    "client_credentials",
    "device_code",
    "password",
    "refresh_token",
)
_REFUSED = "_authaudit_oauth_refused"
_BY_SESSION = "rest_framework.authentication.SessionAuthentication"


class Call:
    """One call of an endpoint: what the signals of the models say during it belongs together."""

    def __init__(self, kind: str = "", request: Any = None) -> None:
        self.kind = kind
        self.request = request
        self.authorized = False
        self.login_failed = False
        self.deleted: list[tuple[Any, str]] = []
        self.revoked: set[tuple[Any, Any]] = set()

    @property
    def grant_type(self) -> str:
        """The kind of grant that a token is asked for by, if it is one that there is."""
        if self.kind == "authorize":
            return "implicit"
        name = typed(self.request, "grant_type").rpartition(":")[2]
        return name if name in _GRANT_TYPES else ""


_call: ContextVar[Call | None] = ContextVar("django_authaudit.oauth", default=None)


def current_call() -> Call:
    """Return the call under way, or one of no kind."""
    return _call.get() or Call()


def on_user_login_failed(**kwargs: Any) -> None:
    """Leave a wrong password at the token endpoint to the entry that it has."""
    current_call().login_failed = True


def around(
    owner: Any, name: str, after: Callable[..., None] | None = None, *, kind: str = ""
) -> None:
    """Have each call of the method `name` of `owner` known by its `kind` while it runs.

    Within another it is a part of that. Then ``after(result, self, ...)`` is called, in a guard,
    with what the method was called with.
    """

    def make(original: Any) -> Any:
        def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
            begun = Call(kind, next(iter(args), None)) if kind else None
            token = _call.set(_call.get() or begun)
            try:
                result = original(self, *args, **kwargs)
                if after is not None:
                    with guard(f"looking at a call of {name}()"):
                        after(result, self, *args, **kwargs)
            finally:
                _call.reset(token)
            return result

        return wrapper

    calls.replace(owner, name, make)


def typed(request: Any, name: str) -> str:
    """Return what was sent as `name`, in the body or else in the query."""
    found = context.underlying(request)
    if found is None:
        return ""
    return str(found.POST.get(name) or found.GET.get(name) or "")


def typed_client(request: Any) -> str:
    """Return the name by which a client has called itself (RFC 6749, section 2.3.1)."""
    scheme, word = _authorization(request)
    if scheme != "basic":
        return typed(request, "client_id")
    try:
        name = b64decode(word).decode().partition(":")[0]
    except ValueError:
        return ""
    return unquote_plus(name)


def shows_a_secret(request: Any) -> bool:
    """Return whether the client has tried to prove who it is."""
    return _authorization(request)[0] == "basic" or typed(request, "client_secret") != ""


def bearer(request: Any) -> str:
    """Return the token that came with the request, to be looked up and never kept (RFC 6750)."""
    scheme, word = _authorization(request)
    return word if scheme == "bearer" else typed(request, "access_token")


def error_of(body: str | bytes) -> str:
    """Return the code of the error in a response's body (RFC 6749, section 5.2)."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return str(answer.get("error", "")) if isinstance(answer, dict) else ""


def facts(client: Any, **known: str) -> dict[str, Any]:
    """Return what is known, and how a client, if there is one, stands in ``metadata``."""
    if client is not None:
        known |= {"client": client.client_id, "client_name": client.name}
    return {key: value for key, value in known.items() if value}


def refuse(
    request: Any,
    reason: str,
    presented: Callable[[], Any] | None = None,
    *,
    find_client: Callable[[str], Any],
    event: str = events.TOKEN_FAILURE,
    **known: str,
) -> None:
    """Record a refusal once per request, whoever tells of it.

    `presented` and `find_client` are called at the flush, for the row of what the client has
    presented and for the client of the name that it has given.
    """
    django_request = context.underlying(request)
    if django_request is None or was_refused(request):
        return
    client = typed_client(request)
    explain = functools.partial(
        _explain, client=client, presented=presented, find_client=find_client
    )
    metadata = facts(None, **known, reason=reason, view=context.view_name(django_request))
    django_request.__dict__[_REFUSED] = recorder.note(
        event, request=request, user=context.UNKNOWN, metadata=metadata, explain=explain
    )


def was_refused(request: Any) -> bool:
    """Return whether `refuse()` has recorded anything of the request."""
    return _REFUSED in getattr(context.underlying(request), "__dict__", {})


def refuse_bearer(request: Any, error: Any, refuse: Callable[..., None], row_of: Any) -> None:
    """Record that the token which came with `request` does not open what it should."""
    token = bearer(request)
    if token:
        reason = (error or {}).get("error", "invalid_token")
        event = events.FORBIDDEN if reason == "insufficient_scope" else events.TOKEN_FAILURE
        refuse(request, reason, functools.partial(row_of, "access_token", token), event=event)


def follow_rest_framework() -> None:
    """Know whom the framework's requests are accepted by, where it is installed.

    Its ``_authenticate()`` asks the authenticators (rest_framework/request.py, `Request`).
    """
    if find_spec("rest_framework") is not None:
        calls.watch("rest_framework.request.Request._authenticate", on_authenticated)


def on_authenticated(call: calls.Call) -> None:
    """Take back that a token was refused which another package has made, and accepts.

    Django REST framework asks one authenticator after the other, and an OAuth server is asked for
    every bearer. Who signs in by a session has presented a bad token all the same.
    """
    asked = call.facts["self"]
    authenticator = getattr(asked, "_authenticator", None)
    refused = asked._request.__dict__.get(_REFUSED)
    if refused and authenticator and not isinstance(authenticator, resolve_name(_BY_SESSION)):
        pending.take_back(refused)


def _explain(
    draft: Draft,
    client: str,
    presented: Callable[[], Any] | None,
    find_client: Callable[[str], Any],
) -> bool:
    """Name the client, and the account whose token or code was presented."""
    row = presented() if presented is not None else None
    owner = getattr(row, "user", None)
    if owner is not None:
        draft.username, draft.email = "", ""
        draft.concerns(owner)
    if getattr(row, "revoked", None):
        draft.metadata["reused"] = True
    found = find_client(client) if client else getattr(row, "application", None)
    draft.metadata |= facts(found) or (_masked(client) if client else {})
    return True


def _masked(typed: str) -> dict[str, str]:
    """Return a keyed hash of a name that no client has, by which two attempts are compared."""
    digest = salted_hmac("django_authaudit.client", typed, algorithm="sha256").hexdigest()
    return {"client": MASK, "client_hash": digest[:32]}


def _authorization(request: Any) -> tuple[str, str]:
    scheme, _, word = str(request.META.get("HTTP_AUTHORIZATION", "")).partition(" ")
    return scheme.lower(), word.strip()

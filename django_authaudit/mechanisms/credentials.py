"""What a request presents and what a response hands out, for the sources of tokens.

Django REST framework sends no signal about a token that it takes or refuses: all that there is
are the request and the response. A token is looked at, at the latest at the flush, and never
kept; what is stored is a safe name of it. Neither `user`, `auth` nor `data` of the framework's
request is read: they authenticate, and parse.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import router

from django_authaudit import context, events, lookups, recorder
from django_authaudit.drafts import Draft, Explain
from django_authaudit.mechanisms import login_failures
from django_authaudit.transactions import savepoint

# What the status alone makes of a refused token.
_BY_STATUS = frozenset({events.TOKEN_FAILURE, events.UNAUTHENTICATED, events.FORBIDDEN})
_OF_NO_TOKEN = frozenset({"not_authenticated", "permission_denied", "throttled"})
_JWT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_REFUSED_BY = "_authaudit_refused_by"
_LOOKS_LIKE_A_TOKEN = re.compile(r"[!-~]{1,1000}")


def is_refused(request: Any, response: Any, exception: BaseException | None) -> bool:
    """Return whether a token may have been refused: what concerns most sources."""
    return getattr(response, "status_code", 0) in (401, 403)


def view_of(response: Any) -> Any:
    """Return the view of Django REST framework that made `response`, or None."""
    return _rendered_for(response).get("view")


def code_of(response: Any) -> str:
    """Return the code of the framework's error, or nothing."""
    data = getattr(response, "data", None)
    return str(getattr(data.get("detail"), "code", "")) if isinstance(data, Mapping) else ""


def refusing(response: Any) -> Sequence[Any]:
    """Return the authenticators of the request, if it was one of them that refused it."""
    request = getattr(_rendered_for(response).get("request"), "__dict__", {})
    status, code = getattr(response, "status_code", 0), code_of(response)
    # A handler of the project's own may write errors in a form of its own.
    refused = status == 401 or (status == 403 and code != "")
    if not refused or code in _OF_NO_TOKEN or request.get("_authenticator") is not None:
        return ()
    authenticators: Sequence[Any] = request.get("authenticators", ())
    return authenticators


def by_permission(response: Any) -> bool:
    """Return whether the request has come as far as a permission, or its view, that refused it.

    A request that no authenticator accepts ends as ``not_authenticated`` then; with another code
    it did not come so far: a bad token, or the CSRF check.
    """
    request = getattr(_rendered_for(response).get("request"), "__dict__", {})
    accepted = request.get("_authenticator") is not None or not request.get("authenticators")
    return accepted or code_of(response) in ("not_authenticated", "")


def header(request: Any, name: str = "HTTP_AUTHORIZATION") -> list[str]:
    """Return the words of a header: the scheme in lower case, and what follows it."""
    words = str(request.META.get(name, "")).split()
    return [words[0].lower(), *words[1:]] if words else []


def typed(response: Any) -> Mapping[str, Any]:
    """Return the body of the request as the view has parsed it, if it has."""
    request = getattr(_rendered_for(response).get("request"), "__dict__", {})
    body = request.get("_full_data")
    return body if isinstance(body, Mapping) else {}


def presented(request: Any, response: Any, field: str) -> list[str]:
    """Return what the request's body holds in `field`, or else its cookies."""
    body = typed(response)
    return [str(body[field])] if field in body else list(request.COOKIES.values())


def handed_out(response: Any) -> list[str]:
    """Return the texts in the response's data and cookies, one of which may be a token."""
    cookies = [morsel.value for morsel in response.cookies.values()]
    return [*_texts(getattr(response, "data", None)), *cookies]


def is_first_to_refuse(request: Any, place: int) -> bool:
    """Return whether no source has told of an authenticator before that at `place` in the view.

    Of those that ask for the same scheme, the first refuses, and the others see nothing.
    """
    told = request.__dict__.setdefault(_REFUSED_BY, place)
    request.__dict__[_REFUSED_BY] = min(told, place)
    return bool(place <= told)


def note_refused(
    request: Any, response: Any, explain: Explain, *, via: str, event: str = events.TOKEN_FAILURE
) -> None:
    """Record what a request was refused for, in place of what its status says.

    The entry is the one that the status has made, where it has; nothing is recorded if the
    request has recorded another failure. `explain` says more at the flush.
    """
    scope = context.current()
    pending: Iterable[Draft] = scope.pending if scope is not None else ()
    draft = next((d for d in pending if d.own_act and d.event.code in _BY_STATUS), None)
    if draft is None and scope is not None and not scope.refused:
        code, view = code_of(response), context.view_name(request)
        facts = {"code": code, "view": view}
        facts = {key: value for key, value in facts.items() if value}
        draft = recorder.note(event, request=request, user=context.UNKNOWN, metadata=facts)
    if draft is not None:
        draft.event = events.get(event)
        draft.explain = explain
        draft.metadata["via"] = via


def note_login(request: Any, explain: Explain, *, via: str) -> None:
    """Record a sign-in that sends no signal, unless one was sent all the same."""
    scope = context.current()
    pending: Iterable[Draft] = scope.pending if scope is not None else ()
    if not any(draft.event.code == events.LOGIN_SUCCESS for draft in pending):
        recorder.note(
            events.LOGIN_SUCCESS, request=request, metadata={"via": via}, explain=explain
        )


def settle_owners(via: str, *, anyone: bool = False) -> None:
    """Say that a token of the package `via` was made by its owner, where that is who signs in.

    Nobody need be signed in as far as Django knows, before or after; `anyone` means all owners.
    """
    for draft in _made_by_login(via, anyone):
        draft.explain = is_own_act


def drop_what_a_login_made(via: str) -> None:
    """Have a sign-in be one entry where the package `via` makes a token for each."""
    for draft in _made_by_login(via):
        draft.explain = _drop


def _made_by_login(via: str, anyone: bool = False) -> Iterator[Draft]:
    scope = context.current()
    pending: Iterable[Draft] = scope.pending if scope is not None else ()
    logins = {draft.user_id for draft in pending if draft.event.code == events.LOGIN_SUCCESS}
    for draft in pending:
        made = draft.event.code == events.TOKEN_CREATED and draft.metadata.get("via") == via
        if made and (anyone or draft.user_id in logins):
            yield draft


def explain_right_password(draft: Draft, *, credentials: Mapping[str, Any]) -> bool:
    """Say at the flush why a login failed whose password was right."""
    draft.username, draft.email = lookups.identifier(credentials)
    login_failures.explain(draft)
    if draft.metadata["reason"] != "inactive":
        draft.metadata["reason"] = "not_permitted"
    return True


def is_own_act(draft: Draft) -> bool:
    """Say at the flush that who presented the token, or the password for it, was its owner."""
    draft.actor_id, draft.actor_username = draft.user_id, draft.username
    return True


def find(model: Any, **values: Any) -> Any:
    """Return the first row of `model` with `values`, or None; for the flush."""
    with savepoint(router.db_for_read(model)):
        try:
            return model._base_manager.filter(**values).first()
        except (TypeError, ValueError, ValidationError):
            return None


def could_be_a_token(text: str) -> bool:
    """Return whether `text` may be looked up at all."""
    return _LOOKS_LIKE_A_TOKEN.fullmatch(text) is not None


def is_jwt(text: str) -> bool:
    """Return whether `text` is made as a signed JWT is (RFC 7519)."""
    return _JWT.fullmatch(text) is not None


def claims_of(text: str) -> Mapping[str, Any]:
    """Return what a JWT says, unverified: of one that was just made, or accepted."""
    payload = text.split(".")[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return {}
    return claims if isinstance(claims, dict) else {}


def fingerprint(key: str) -> str:
    """Return a name for a token that is stored as it is; no help in guessing a random one."""
    return hashlib.sha256(key.encode()).hexdigest()[:12]


def _drop(draft: Draft) -> bool:
    return False


def _rendered_for(response: Any) -> Mapping[str, Any]:
    return getattr(response, "renderer_context", None) or {}


def _texts(data: Any, depth: int = 3) -> Iterator[str]:
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping) and depth:
        for value in data.values():
            yield from _texts(value, depth - 1)

"""Knox: tokens given, taken back and refused. Its sign-in and sign-out send Django's signals."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

from django_authaudit import context, events, lookups, observers
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import credentials, token_models
from django_authaudit.sources import base

_VIA = "knox"
_EXPIRED = "_authaudit_knox_expired"


class Source(base.Source):
    """Its model of tokens, its one signal, and the responses to a token."""

    requires = "knox"
    records = (events.TOKEN_CREATED, events.TOKEN_REVOKED, events.TOKEN_FAILURE)
    by_response = (events.TOKEN_FAILURE,)
    blind = (
        "A token that ends by itself, one whose life is prolonged by being used, and "
        "QuerySet.update(), bulk_create() and raw SQL on tokens."
    )

    def connect(self) -> None:
        """Follow the tokens, and register as an observer."""
        from knox.models import get_token_model
        from knox.signals import token_expired

        model = token_models.TokenModel(_VIA, facts, expires="expiry")
        token_models.follow(self.listen, get_token_model(), model)
        self.listen(token_expired, on_token_expired)
        observers.on_response(on_response, credentials.is_refused)


def facts(token: Any) -> dict[str, Any]:
    """Return the part of a token that is stored in clear, to be told from others by."""
    return {"token_id": token.token_key}


def on_token_expired(sender: Any, username: str = "", source: str = "", **kwargs: Any) -> None:
    """Remember whose token it was: its row is deleted when it is presented too late.

    The same is sent for any other token of the account that is found to be over: nothing.
    """
    scope = context.current()
    if scope is not None and source == "auth_token":
        scope.request.__dict__[_EXPIRED] = username


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Look at what was refused for its token."""
    authenticators = credentials.refusing(response)
    if not authenticators:
        return
    from knox.auth import TokenAuthentication

    scheme, *words = credentials.header(request) or [""]
    for place, authenticator in enumerate(authenticators):
        if not isinstance(authenticator, TokenAuthentication):
            continue
        asked = scheme == authenticator.authenticate_header(request).lower()
        if asked and credentials.is_first_to_refuse(request, place):
            expired = request.__dict__.get(_EXPIRED, "")
            explain = partial(_explain, words=words, expired=expired)
            credentials.note_refused(request, response, explain, via=_VIA)


def _explain(draft: Draft, *, words: list[str], expired: str) -> bool:
    """Name the owner of a token that is refused all the same, and say why."""
    text = words[0] if len(words) == 1 else ""
    if not credentials.could_be_a_token(text):
        draft.metadata["reason"] = "malformed"
        return True
    token = _find(text)
    account = token.user if token is not None else lookups.find_account(expired)
    if account is not None:
        draft.concerns(account)
    draft.metadata["reason"] = _reason(token, expired)
    if token is not None or expired or _is_a_token(text):
        # By this name the entries of its making and its revocation are found.
        draft.metadata["token_id"] = text[: _constants().TOKEN_KEY_LENGTH]
    return True


def _reason(token: Any, expired: str) -> str:
    # A view's transaction that was rolled back has brought an expired token back.
    if expired:
        return "expired"
    if token is None:
        return "unknown"
    return "refused" if token.user.is_active else "inactive"


def _find(text: str) -> Any:
    from knox.crypto import hash_token
    from knox.models import get_token_model

    return credentials.find(get_token_model(), digest=hash_token(text))


def _is_a_token(text: str) -> bool:
    """Return whether `text` is made as a token is; anything else may be a password."""
    from knox.settings import knox_settings

    length = int(knox_settings.AUTH_TOKEN_CHARACTER_LENGTH)
    pattern = f"{re.escape(knox_settings.TOKEN_PREFIX)}[0-9a-f]{{{length}}}"
    return re.fullmatch(pattern, text) is not None


def _constants() -> Any:
    from knox.settings import CONSTANTS

    return CONSTANTS

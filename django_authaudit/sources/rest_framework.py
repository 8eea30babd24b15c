"""Django REST framework: its tokens, who gets one for a password, and whose is refused."""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial
from typing import Any

from django.apps import apps

from django_authaudit import events, observers
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import credentials, token_models
from django_authaudit.sources import base

_VIA = "rest_framework"
_TOKENS = "rest_framework.authtoken"
# What `Token.generate_key()` makes. Anything else that was sent may be somebody's password.
_KEY = re.compile(r"[0-9a-f]{40}")
_LONGEST_KEY = 40


class Source(base.Source):
    """Its model of tokens, and the responses of the views that give and ask for them."""

    requires = "rest_framework"
    records = (
        events.LOGIN_SUCCESS,
        events.LOGIN_FAILURE,
        events.TOKEN_CREATED,
        events.TOKEN_REVOKED,
        events.TOKEN_FAILURE,
    )
    by_response = (events.LOGIN_SUCCESS, events.LOGIN_FAILURE, events.TOKEN_FAILURE)
    blind = (
        "Tokens of a model of the project's own, a view that gives tokens without being an "
        "ObtainAuthToken, and QuerySet.update(), bulk_create() and raw SQL on tokens."
    )

    def connect(self) -> None:
        """Register as an observer, and follow the tokens where they are rows."""
        observers.on_response(on_response, _is_of_a_view)
        if apps.is_installed(_TOKENS):
            from rest_framework.authtoken.models import Token

            token_models.follow(self.listen, Token, token_models.TokenModel(_VIA, facts))


def facts(token: Any) -> dict[str, Any]:
    """Return a name for a token whose primary key is the secret itself."""
    return {"token_id": credentials.fingerprint(token.key)}


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Look at what was refused for its credentials, and at what was given for a password."""
    authenticators = credentials.refusing(response)
    if authenticators:
        _look_at_refusal(request, response, authenticators)
    elif request.method == "POST" and response.status_code < 300:
        _look_at_login(request, response)


def _is_of_a_view(request: Any, response: Any, exception: BaseException | None) -> bool:
    return credentials.view_of(response) is not None


def _gives_tokens(response: Any) -> bool:
    from rest_framework.authtoken.views import ObtainAuthToken

    return apps.is_installed(_TOKENS) and isinstance(
        credentials.view_of(response), ObtainAuthToken
    )


def _look_at_login(request: Any, response: Any) -> None:
    gives_tokens = _gives_tokens(response)
    credentials.settle_owners(_VIA, anyone=gives_tokens)
    if not gives_tokens:
        return
    keys = [text for text in credentials.handed_out(response) if len(text) <= _LONGEST_KEY]
    credentials.note_login(request, partial(_explain_login, keys=keys), via=_VIA)


def _explain_login(draft: Draft, *, keys: list[str]) -> bool:
    """Name the owner of the token that was given: also an old one, of which no signal tells."""
    from rest_framework.authtoken.models import Token

    token = credentials.find(Token, key__in=keys)
    if token is None:
        return False
    draft.concerns(token.user)
    draft.metadata |= facts(token)
    return credentials.is_own_act(draft)


def _look_at_refusal(request: Any, response: Any, authenticators: Any) -> None:
    from rest_framework.authentication import BasicAuthentication, TokenAuthentication

    scheme, *words = credentials.header(request) or [""]
    for place, authenticator in enumerate(authenticators):
        if isinstance(authenticator, BasicAuthentication) and scheme == "basic":
            explain = partial(_explain_basic, words=words)
            event = events.LOGIN_FAILURE
        elif (
            isinstance(authenticator, TokenAuthentication)
            and scheme == authenticator.keyword.lower()
        ):
            explain = partial(_explain_token, words=words, model=authenticator.get_model())
            event = events.TOKEN_FAILURE
        else:
            continue
        if credentials.is_first_to_refuse(request, place):
            credentials.note_refused(request, response, explain, via=_VIA, event=event)
        return


def _explain_basic(draft: Draft, *, words: list[str]) -> bool:
    """Say why a header was refused for which no ``authenticate()`` failed."""
    name = _name_in(words)
    if name is None:
        draft.metadata["reason"] = "malformed"
        return True
    return credentials.explain_right_password(draft, credentials={"username": name})


def _name_in(words: list[str]) -> str | None:
    try:
        name, colon, _ = base64.b64decode(" ".join(words)).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return name.decode(errors="replace") if colon and len(words) == 1 else None


def _explain_token(draft: Draft, *, words: list[str], model: Any) -> bool:
    """Name the owner of a token that is refused all the same, and say why."""
    key = words[0] if len(words) == 1 else ""
    if not credentials.could_be_a_token(key):
        draft.metadata["reason"] = "malformed"
        return True
    token = credentials.find(model, key=key)
    if token is not None:
        draft.concerns(token.user)
        draft.metadata["reason"] = "refused" if token.user.is_active else "inactive"
    else:
        draft.metadata["reason"] = "unknown"
    if token is not None or _KEY.fullmatch(key):
        # By this name the entry of its revocation is found.
        draft.metadata["token_id"] = credentials.fingerprint(key)
    return True

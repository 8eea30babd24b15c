"""Wagtail's API tokens (from Wagtail 8): given, taken back and refused.

Its sign-in and sign-out send Django's signals, and its password resets are Django's views.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import apps

from django_authaudit import events, observers
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import credentials, token_models
from django_authaudit.sources import base

_VIA = "wagtail"
_API = "wagtailapi_v3"


class Source(base.Source):
    """Its model of tokens, and the responses of its API to one."""

    requires = "wagtail"
    records = (events.TOKEN_CREATED, events.TOKEN_REVOKED, events.TOKEN_FAILURE)
    by_response = (events.TOKEN_FAILURE,)
    blind = "QuerySet.update(), bulk_create() and raw SQL on tokens."

    @property
    def available(self) -> bool:
        """Whether Wagtail is installed, and new enough to have tokens."""
        return super().available and "apitoken" in apps.get_app_config("wagtailcore").models

    def connect(self) -> None:
        """Follow the tokens, and register as an observer."""
        from wagtail.models import APIToken

        model = token_models.TokenModel(_VIA, facts, revoked="revoked_at")
        token_models.follow(self.listen, APIToken, model)
        observers.on_response(on_response, credentials.is_refused)


def facts(token: Any) -> dict[str, Any]:
    """Return what Wagtail itself shows of a token: its beginning, and its label."""
    return {"token_id": token.prefix, "name": token.name}


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Look at what was refused for its token."""
    from wagtail.models.api import TOKEN_PREFIX

    scheme, *words = credentials.header(request) or [""]
    namespaces = getattr(request.resolver_match, "namespaces", ())
    text = " ".join(words)
    # A project may ask for the same tokens in an API of its own.
    meant = _API in namespaces or text.startswith(TOKEN_PREFIX)
    if response.status_code == 401 and scheme == "bearer" and meant:
        credentials.note_refused(request, response, partial(_explain, text=text), via=_VIA)


def _explain(draft: Draft, *, text: str) -> bool:
    """Name the owner of a token that is refused all the same, and say why."""
    from wagtail.models.api import DISPLAY_PREFIX_LENGTH, APIToken

    # Its form has a checksum: what lacks it is no token, and may be a password.
    if not APIToken.validate_token_format(text):
        draft.metadata["reason"] = "malformed"
        return True
    draft.metadata["token_id"] = text[:DISPLAY_PREFIX_LENGTH]
    token = credentials.find(APIToken, key_hash__in=APIToken.candidate_key_hashes(text))
    if token is None:
        draft.metadata["reason"] = "unknown"
        return True
    draft.concerns(token.user)
    draft.metadata |= facts(token)
    active = "refused" if token.user.is_active else "inactive"
    draft.metadata["reason"] = "revoked" if token.revoked_at else active
    return True

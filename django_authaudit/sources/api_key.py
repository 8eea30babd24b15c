"""djangorestframework-api-key: keys given, taken back and refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from django_authaudit import context, events, observers
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import credentials, token_models
from django_authaudit.sources import base

_VIA = "api_key"
# ``KeyGenerator.generate()``: a public prefix, a dot, the secret.
_KEY = re.compile(r"[0-9A-Za-z]{8}\.[0-9A-Za-z]{32}")


class Source(base.Source):
    """Its models of keys, and the responses to a key: a permission, for the framework."""

    requires = "rest_framework_api_key"
    records = (events.TOKEN_CREATED, events.TOKEN_REVOKED, events.TOKEN_FAILURE)
    by_response = (events.TOKEN_FAILURE,)
    blind = (
        "A key that ends by itself, one that a view asks for in get_permissions() under a header "
        "of its own, and QuerySet.update(), bulk_create() and raw SQL on keys."
    )

    def connect(self) -> None:
        """Follow the keys, and register as an observer."""
        from rest_framework_api_key.models import AbstractAPIKey

        columns = {"revoked": "revoked", "expires": "expiry_date"}
        model = token_models.TokenModel(_VIA, facts, **columns)
        token_models.follow(self.listen, AbstractAPIKey, model)
        observers.on_response(on_response, credentials.is_refused)


def facts(key: Any) -> dict[str, Any]:
    """Return the public part of a key, and its label."""
    return {"token_id": key.prefix, "name": key.name}


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Look at a request that was refused and that presented a key."""
    event = _event_of(response)
    permissions = getattr(credentials.view_of(response), "permission_classes", ())
    for permission in _permissions(permissions) if event else ():
        key = permission().get_key(request)
        if key:
            explain = partial(_explain, model=permission.model, key=str(key), otherwise=event)
            credentials.note_refused(request, response, explain, via=_VIA)
            return


def _event_of(response: Any) -> str:
    """Return what a refused permission is without a key, or nothing if none was refused."""
    status, code = getattr(response, "status_code", 0), credentials.code_of(response)
    if status not in (401, 403) or not credentials.by_permission(response):
        return ""
    return events.UNAUTHENTICATED if code == "not_authenticated" else events.FORBIDDEN


def _permissions(classes: Any) -> Iterator[Any]:
    """Yield the classes that ask for a key, also those joined with others by ``|`` and ``&``."""
    from rest_framework_api_key.permissions import BaseHasAPIKey

    for found in classes:
        if not isinstance(found, type):
            parts = (getattr(found, name, None) for name in ("op1_class", "op2_class"))
            yield from _permissions(filter(None, parts))
        elif issubclass(found, BaseHasAPIKey):
            yield found


def _explain(draft: Draft, *, model: Any, key: str, otherwise: str) -> bool:
    """Say which key was refused and why; a good one was not what the request was refused for."""
    prefix = key.partition(".")[0]
    found = credentials.find(model, prefix=prefix) if credentials.could_be_a_token(key) else None
    if found is None or not model.objects.key_generator.verify(key, found.hashed_key):
        draft.metadata["reason"] = "unknown"
        if _KEY.fullmatch(key):
            draft.metadata["token_id"] = prefix
        return True
    owner = context.known(getattr(found, "user", None))
    if owner is not None:
        draft.concerns(owner)
    draft.metadata |= facts(found)
    if found.revoked or found.has_expired:
        draft.metadata["reason"] = "revoked" if found.revoked else "expired"
    else:
        draft.event = events.get(otherwise)
    return True

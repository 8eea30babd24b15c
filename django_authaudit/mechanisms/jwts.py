"""What a JSON Web Token says, for the sources of packages that are laid out as simplejwt is.

A token is read, at the latest at the flush, and never kept; what is stored is its id.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model

from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import credentials

Claims = Mapping[str, Any]
_EVER = timedelta(days=36_500)


@dataclass(frozen=True)
class Package:
    """A package of that layout, by the name that it is imported by."""

    name: str

    @property
    def has_blacklist(self) -> bool:
        """Whether the project keeps the package's tokens, and those that are revoked."""
        return apps.is_installed(f"{self.name}.token_blacklist")

    @property
    def has_keys(self) -> bool:
        """Whether a signature can be checked without asking JWK_URL over the network."""
        return getattr(self._import("state").token_backend, "jwks_client", None) is None

    def verified(self, text: str) -> Claims:
        """Return the claims of a token whose signature is good, be it expired; else nothing."""
        if not self.has_keys:
            return {}
        patient = copy(self._import("state").token_backend)
        patient.leeway = _EVER
        try:
            return dict(patient.decode(text))
        except self._import("exceptions").TokenBackendError:
            return {}

    def long_lived(self, texts: Iterable[str]) -> Claims:
        """Return the claims of the token among `texts`; of a pair, of the one that lives longer.

        The tokens are ones that the package itself has made or accepted.
        """
        found = [claims for text in texts if (claims := unverified(text))]
        return next((claims for claims in found if self.kind(claims) != "access"), {})

    def kind(self, claims: Claims) -> str:
        """Return the type of a token, or nothing."""
        return str(claims.get(self._setting("TOKEN_TYPE_CLAIM")) or "")

    def id_of(self, claims: Claims) -> str:
        """Return the id of a token, or nothing."""
        return str(claims.get(self._setting("JTI_CLAIM")) or "")

    def describe(self, draft: Draft, claims: Claims) -> Any:
        """Say at the flush which token it is and whose; return the account, or None."""
        facts = {"token_id": self.id_of(claims), "kind": self.kind(claims)}
        draft.metadata |= {key: value for key, value in facts.items() if value}
        key = claims.get(self._setting("USER_ID_CLAIM"))
        account = credentials.find(get_user_model(), **{self._setting("USER_ID_FIELD"): key})
        if account is not None and draft.user_id is None:
            draft.concerns(account)
        return account

    def explain_own(self, draft: Draft, *, claims: Claims) -> bool:
        """Say the same of a token that its owner presents."""
        self.describe(draft, claims)
        return credentials.is_own_act(draft)

    def explain_refused(self, draft: Draft, *, text: str, only: str = "") -> bool:
        """Say why a token was refused, and whose it is if its signature is good.

        With `only`, there is nothing to record of a token that was refused for another reason.
        """
        claims = self.verified(text)
        if claims:
            reason = self._reason(claims, self.describe(draft, claims))
        elif not credentials.is_jwt(text):
            reason = "malformed"
        else:
            reason = "invalid" if self.has_keys else "refused"
        draft.metadata["reason"] = reason
        return not only or reason == only

    def _reason(self, claims: Claims, account: Any) -> str:
        names = ("exp", self._setting("SLIDING_TOKEN_REFRESH_EXP_CLAIM"))
        if any(claims.get(name) is not None and claims[name] <= time.time() for name in names):
            return "expired"
        if self._is_blacklisted(self.id_of(claims)):
            return "revoked"
        if account is None:
            return "unknown_user"
        return "refused" if account.is_active else "inactive"

    def _is_blacklisted(self, token_id: str) -> bool:
        if not self.has_blacklist:
            return False
        model = self._import("token_blacklist.models").BlacklistedToken
        return credentials.find(model, token__jti=token_id) is not None

    def _setting(self, name: str) -> Any:
        return getattr(self._import("settings").api_settings, name)

    def _import(self, module: str) -> Any:
        return import_module(f"{self.name}.{module}")


def unverified(text: str) -> Claims:
    """Return the claims that a token makes, whoever has signed it; nothing if it is none."""
    return credentials.claims_of(text) if credentials.is_jwt(text) else {}

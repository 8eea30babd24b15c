"""The keys that sign: HMAC-SHA256, each with a name that stands before its signatures."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from django_authaudit.conf import conf

NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
"""What the id of a key looks like."""
_CONTEXT = b"django_authaudit.signing"
_SEPARATOR = b"\0"
_SETTINGS = ("AUTHAUDIT_SIGNING_KEYS", "SECRET_KEY", "SECRET_KEY_FALLBACKS")


class Key:
    """A secret and its name."""

    __slots__ = ("_hmac", "id")

    def __init__(self, id: str, secret: str | bytes) -> None:
        self.id = id
        # What signs the log signs nothing else, though SECRET_KEY does.
        given = secret.encode() if isinstance(secret, str) else secret
        own = hmac.digest(given, _CONTEXT, "sha256")
        # Copying one that has taken the key in is a third faster than taking it in each time.
        self._hmac = hmac.new(own, digestmod="sha256")

    def sign(self, purpose: bytes, message: bytes) -> str:
        """Return the signature of `message`, which holds for `purpose` alone."""
        return f"{self.id}:{self.mac(purpose, message)}"

    def mac(self, purpose: bytes, message: bytes) -> str:
        """Return the signature of `message` without the id of the key."""
        code = self._hmac.copy()
        code.update(purpose + _SEPARATOR + message)
        return code.hexdigest()


@lru_cache(maxsize=1)
def signing_keys() -> Mapping[str, Key]:
    """Return the keys by their ids, the one that signs first.

    They are those of AUTHAUDIT_SIGNING_KEYS; without any, or with wrong ones (a system check says
    so), they are derived of SECRET_KEY and SECRET_KEY_FALLBACKS.
    """
    configured: Any = conf.AUTHAUDIT_SIGNING_KEYS
    if is_usable(configured):
        return {id: Key(id, secret) for id, secret in configured.items()}
    derived = map(_derived, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])
    return {key.id: key for key in derived}


def is_usable(configured: Any) -> bool:
    """Return whether `configured` is a dict of ids and secrets, and not empty."""
    return (
        isinstance(configured, Mapping)
        and bool(configured)
        and all(
            isinstance(id, str) and NAME.fullmatch(id) and isinstance(secret, (str, bytes))
            for id, secret in configured.items()
        )
    )


def signing_key() -> Key:
    """Return the key that signs."""
    return next(iter(signing_keys().values()))


def is_signed(signature: str, purpose: bytes, message: bytes) -> bool:
    """Return whether `signature` is that of `message` by a known key."""
    id, _, mac = signature.partition(":")
    key = signing_keys().get(id)
    if key is None or not mac.isascii():
        return False
    return hmac.compare_digest(key.mac(purpose, message), mac)


def key_id(signature: str) -> str:
    """Return the id of the key by which `signature` claims to be."""
    return signature.partition(":")[0]


def _derived(secret: str | bytes) -> Key:
    # The name has to differ from that of the next SECRET_KEY, and tells nothing of either.
    name = Key("", secret).sign(b"name", b"")[1:9]
    return Key(f"secret-{name}", secret)


def _forget(*, setting: str, **kwargs: Any) -> None:
    if setting in _SETTINGS:
        signing_keys.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_authaudit.integrity.keys._forget")

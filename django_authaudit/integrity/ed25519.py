"""Signatures that whoever has the public key can check, and nobody else can make (RFC 8032)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django_authaudit.conf import conf
from django_authaudit.exceptions import KeyUnusableError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )


def sign(message: bytes) -> str:
    """Return the signature of `message` by AUTHAUDIT_SEAL_KEY in hexadecimal, "" without one.

    Raises KeyUnusableError if the setting is no such key, or the extra ``ed25519`` is missing.
    """
    key = private_key(conf.AUTHAUDIT_SEAL_KEY)
    return key.sign(message).hex() if key is not None else ""


def private_key(pem: Any) -> Ed25519PrivateKey | None:
    """Return the key that `pem` holds, None for nothing; raise KeyUnusableError for no key."""
    if not pem:
        return None
    serialization, keys = _cryptography()
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, AttributeError) as error:
        raise KeyUnusableError(f"This is no private key in PEM: {error}") from error
    if not isinstance(key, keys.Ed25519PrivateKey):
        raise KeyUnusableError("This is a private key, but none of Ed25519.")
    return cast("Ed25519PrivateKey", key)


def public_key(pem: bytes) -> Ed25519PublicKey:
    """Return the public key that `pem` holds; raise KeyUnusableError if it holds none."""
    serialization, keys = _cryptography()
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as error:
        raise KeyUnusableError(f"This is no public key in PEM: {error}") from error
    if not isinstance(key, keys.Ed25519PublicKey):
        raise KeyUnusableError("This is a public key, but none of Ed25519.")
    return cast("Ed25519PublicKey", key)


def public_pem() -> str:
    """Return the public half of AUTHAUDIT_SEAL_KEY as PEM, "" without one."""
    serialization, _ = _cryptography()
    key = private_key(conf.AUTHAUDIT_SEAL_KEY)
    if key is None:
        return ""
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def is_signed(key: Ed25519PublicKey, signature: str, message: bytes) -> bool:
    """Return whether `signature` is that of `message` by the private half of `key`."""
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _cryptography() -> tuple[Any, Any]:
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise KeyUnusableError(
            "The package cryptography is missing: install django-authaudit[ed25519]."
        ) from error
    return serialization, ed25519

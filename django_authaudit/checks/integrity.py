"""Whether the log can be signed so that nobody without the keys forges it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from django_authaudit.checks.values import Check, is_whole_number
from django_authaudit.conf import conf
from django_authaudit.exceptions import KeyUnusableError
from django_authaudit.integrity.ed25519 import private_key
from django_authaudit.integrity.keys import is_usable

_SHORTEST_SECRET = 32
"""Characters: no shorter than the output of the hash (RFC 2104, section 3)."""


def check_signing_keys_are_named_secrets(**kwargs: Any) -> Iterator[CheckMessage]:
    """E030: a signature names its key."""
    value: Any = conf.AUTHAUDIT_SIGNING_KEYS
    if value is not None and not is_usable(value):
        # The value itself holds secrets.
        yield Error(
            "AUTHAUDIT_SIGNING_KEYS is no dict of secrets by id. Entries are signed by a key "
            "derived of SECRET_KEY meanwhile.",
            hint="Set it to a dict such as {'2026': os.environ['AUDIT_KEY']}: ids of up to 32 "
            "letters, digits, '-' and '_', secrets of text or bytes; or to None.",
            id="django_authaudit.E030",
        )


def check_secrets_are_long(**kwargs: Any) -> Iterator[CheckMessage]:
    """W030: a short secret can be guessed from any signature."""
    value: Any = conf.AUTHAUDIT_SIGNING_KEYS
    for id, secret in value.items() if is_usable(value) else ():
        if len(secret) < _SHORTEST_SECRET:
            yield Warning(
                f"The secret of AUTHAUDIT_SIGNING_KEYS[{id!r}] has {len(secret)} characters: it "
                "may be guessed from any signature.",
                hint=f"Use at least {_SHORTEST_SECRET} random characters, such as those of "
                "python -c 'import secrets; print(secrets.token_urlsafe(48))'.",
                id="django_authaudit.W030",
            )


def check_seal_key_is_one(**kwargs: Any) -> Iterator[CheckMessage]:
    """E031: without its key nothing is sealed at all."""
    try:
        private_key(conf.AUTHAUDIT_SEAL_KEY)
    except KeyUnusableError as error:
        yield Error(
            f"AUTHAUDIT_SEAL_KEY cannot be used, and nothing is sealed: {error}",
            hint="Set it to what 'openssl genpkey -algorithm ed25519' prints, or to None.",
            id="django_authaudit.E031",
        )


def check_seal_hours_are_a_number(**kwargs: Any) -> Iterator[CheckMessage]:
    """E032: hours are a whole number, and at least one."""
    hours = conf.AUTHAUDIT_SEAL_HOURS
    if not is_whole_number(hours) or hours < 1:
        yield Error(
            f"AUTHAUDIT_SEAL_HOURS is {hours!r}, not a whole number of hours from 1 up.",
            hint="Set it to a number such as 25, without quotes.",
            id="django_authaudit.E032",
        )


CHECKS: tuple[Check, ...] = (
    check_signing_keys_are_named_secrets,
    check_secrets_are_long,
    check_seal_key_is_one,
    check_seal_hours_are_a_number,
)

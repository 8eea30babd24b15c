"""Bob's second factors, by django-allauth; a plugin of pytest."""

from __future__ import annotations

import pytest
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp

from tests.sources.allauthed import SECRET


@pytest.fixture
def app(bob, log, secrets):
    """Bob's authenticator app."""
    secrets.learn(SECRET)
    app = totp.TOTP.activate(bob, SECRET).instance
    log.forget()
    return app


@pytest.fixture
def codes(bob, log, secrets):
    """Bob's recovery codes."""
    codes = RecoveryCodes.activate(bob)
    secrets.learn(codes.instance.data["seed"], *codes.generate_codes())
    log.forget()
    return codes

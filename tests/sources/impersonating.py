"""What all tests of impersonation expect, whichever package it is by."""

from functools import partial

from tests.sources.recorded import failure, success


def beginning(user, actor, at, via, **facts):
    return success("auth.impersonation.started", user=user, actor=actor, at=at, via=via, **facts)


def end(user, actor, at, via):
    return success("auth.impersonation.ended", user=user, actor=actor, at=at, via=via)


def logout(user, at="POST /logout/"):
    return success("auth.logout", user=user, actor=user, at=at)


forbidden = partial(
    failure,
    "authz.forbidden",
    at="GET /forbidden/",
    exception="PermissionDenied",
    view="tests.views.forbidden",
)

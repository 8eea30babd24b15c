"""django-ninja-jwt: tokens given for a password, refreshed, revoked and refused.

It sends no signal of its own, and its responses do not tell who made them: so its schemas are
watched, and the rows of its blacklist where that is installed.
"""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.db.models import signals

from django_authaudit import context, events, recorder
from django_authaudit.drafts import Draft
from django_authaudit.mechanisms import calls, jwts, pending
from django_authaudit.sources import base

_VIA = "ninja_jwt"
_PACKAGE = jwts.Package(_VIA)
_PRESENTED = "_authaudit_ninja_token"


class Source(base.Source):
    """Its schemas, what its API answers for an exception, and the rows of its blacklist."""

    requires = "ninja_jwt"
    records = (
        events.LOGIN_SUCCESS,
        events.LOGIN_FAILURE,
        events.TOKEN_CREATED,
        events.TOKEN_REFRESHED,
        events.TOKEN_REVOKED,
        events.TOKEN_FAILURE,
    )
    by_response = (events.TOKEN_REFRESHED, events.TOKEN_FAILURE)
    blind = (
        "Without its blacklist app, tokens that a project's own code makes; a refresh by a schema "
        "that makes its response itself; a blacklisting undone by deleting its row."
    )

    @property
    def available(self) -> bool:
        """Whether the package may be used: it need not stand in INSTALLED_APPS itself."""
        used = apps.is_installed(self.requires) or apps.is_installed("ninja_extra")
        return (used or _PACKAGE.has_blacklist) and find_spec(self.requires) is not None

    def connect(self) -> None:
        """Watch the package, and follow the blacklist if it is installed."""
        for path, callback in _CALLS.items():
            calls.watch(path, callback)
        if _PACKAGE.has_blacklist:
            from ninja_jwt.token_blacklist.models import BlacklistedToken, OutstandingToken

            self.listen(signals.post_save, on_post_save_outstanding, sender=OutstandingToken)
            self.listen(signals.post_save, on_post_save_blacklisted, sender=BlacklistedToken)


def on_token(call: calls.Call) -> None:
    """Remember which token was looked at: what refuses it does not say."""
    scope, text = context.current(), call.facts.get("token")
    if scope is not None and text is not None:
        scope.request.__dict__[_PRESENTED] = str(text)


def on_authenticated(call: calls.Call) -> None:
    """Record a sign-in; of one that fails Django's own signal tells, unless it is inactive."""
    schema, request = call.facts["self"], call.facts["request"]
    user = schema._user
    if user is None or pending.last(events.LOGIN_SUCCESS, user) is not None:
        return
    if call.error is not None:
        _note_refused(request, user)
        return
    recorder.note(
        events.LOGIN_SUCCESS,
        request=request,
        user=user,
        actor=user,
        metadata={"via": _VIA, "backend": getattr(user, "backend", "")},
        explain=partial(_name_token, schema=schema),
    )


def on_rule_checked(call: calls.Call) -> None:
    """Take back a sign-in that the project's rule does not allow."""
    scope, user = context.current(), call.facts["self"]._user
    if call.error is None or scope is None or user is None:
        return
    for draft in pending.drafts(events.LOGIN_SUCCESS, user):
        pending.drop(draft)
    _note_refused(scope.request, user)


def _note_refused(request: Any, user: Any) -> None:
    reason = "not_permitted" if user.is_active else "inactive"
    metadata = {"reason": reason, "via": _VIA}
    recorder.note(events.LOGIN_FAILURE, request=request, user=user, metadata=metadata)


def on_response_made(call: calls.Call) -> None:
    """Record a token that was refreshed."""
    from ninja_jwt import schema

    refreshing = (schema.TokenRefreshInputSchema, schema.TokenRefreshSlidingInputSchema)
    text = _presented()
    if call.error is not None or not text or not isinstance(call.facts["self"], refreshing):
        return
    old = jwts.unverified(text)
    for draft in pending.drafts(events.TOKEN_REVOKED):
        # A token that is rotated is refreshed, not revoked.
        if draft.metadata.get("token_id") == _PACKAGE.id_of(old):
            pending.drop(draft)
    new = _PACKAGE.id_of(_PACKAGE.long_lived(_texts(call.result.__dict__)))
    renewed = {"new_token_id": new} if new not in ("", _PACKAGE.id_of(old)) else {}
    recorder.note(
        events.TOKEN_REFRESHED,
        metadata={"via": _VIA, **renewed},
        explain=partial(_PACKAGE.explain_own, claims=old),
    )


def on_exception(call: calls.Call) -> None:
    """Record a token that was refused, in place of what the status says."""
    from ninja_jwt import exceptions

    error, scope, text = call.facts["exc"], context.current(), _presented()
    if scope is None or scope.refused or not text:
        return
    # To verify a token that is revoked is bad data, says the package.
    only = "revoked" if isinstance(error, exceptions.ValidationError) else ""
    if only or isinstance(error, exceptions.AuthenticationFailed):
        recorder.note(
            events.TOKEN_FAILURE,
            request=call.facts["request"],
            user=context.UNKNOWN,
            metadata={"via": _VIA},
            explain=partial(_PACKAGE.explain_refused, text=text, only=only),
        )


def on_post_save_outstanding(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a token that a project's own code has made; one of a login is a part of that."""
    # One that is revoked is entered late, and without its owner.
    if not created or raw or instance.user_id is None:
        return
    login = pending.last(events.LOGIN_SUCCESS, instance.user)
    if login is None or login.metadata.get("via") != _VIA:
        metadata = {"via": _VIA, "token_id": instance.jti}
        recorder.note(events.TOKEN_CREATED, user=instance.user, using=using, metadata=metadata)


def on_post_save_blacklisted(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a token that was revoked, by its owner if it was presented."""
    if not created or raw:
        return
    token, presented = instance.token, jwts.unverified(_presented() or "")
    is_own = _PACKAGE.id_of(presented) == token.jti
    claims = jwts.unverified(token.token)
    recorder.note(
        events.TOKEN_REVOKED,
        user=token.user,
        using=using,
        metadata={"via": _VIA, "token_id": token.jti},
        explain=partial(_PACKAGE.explain_own if is_own else _explain_revoked, claims=claims),
    )


def _explain_revoked(draft: Draft, *, claims: jwts.Claims) -> bool:
    _PACKAGE.describe(draft, claims)
    return True


def _name_token(draft: Draft, *, schema: Any) -> bool:
    claims = _PACKAGE.long_lived(_texts(schema.__dict__.get("token_data") or {}))
    _PACKAGE.describe(draft, claims)
    return True


def _texts(values: dict[str, Any]) -> list[str]:
    return [value for value in values.values() if isinstance(value, str)]


def _presented() -> str:
    scope = context.current()
    return scope.request.__dict__.get(_PRESENTED, "") if scope is not None else ""


_SCHEMA = "ninja_jwt.schema"
_CALLS = {
    "ninja_jwt.tokens.Token.__init__": on_token,
    f"{_SCHEMA}.TokenInputSchemaMixin.authenticate": on_authenticated,
    f"{_SCHEMA}.TokenInputSchemaMixin.check_user_authentication_rule": on_rule_checked,
    f"{_SCHEMA}.InputSchemaMixin.to_response_schema": on_response_made,
    "ninja.NinjaAPI.on_exception": on_exception,
}

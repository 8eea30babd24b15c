"""Consent, tokens and refused clients of django-oauth-toolkit."""

from __future__ import annotations

import functools
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.utils import timezone

from django_authaudit import context, events, recorder, wraps
from django_authaudit.mechanisms import oauth
from django_authaudit.sources import base

_BACKEND = "oauth2_provider.backends.OAuth2Backend"
_NOT_YET = ("authorization_pending", "slow_down")
_BODY, _STATUS = -2, -1
_FIRST_ERROR = 400


class Source(base.Source):
    """The signals of its models, and its endpoints, wrapped for what no signal tells."""

    requires = "oauth2_provider"
    records = (
        events.OAUTH_AUTHORIZED,
        events.TOKEN_CREATED,
        events.TOKEN_REFRESHED,
        events.TOKEN_REVOKED,
        events.TOKEN_FAILURE,
        events.LOGIN_SUCCESS,
        events.FORBIDDEN,
    )
    blind = "The registration and change of clients, the use of a good token, and bulk queries."

    def connect(self) -> None:
        """Connect the signals of the models, whichever they are swapped for, and wrap."""
        from django.contrib.auth.signals import user_login_failed
        from django.db.models.signals import post_delete, post_save, pre_delete
        from oauth2_provider import models

        access_token = models.get_access_token_model()
        refresh_token = models.get_refresh_token_model()
        self.listen(post_save, on_grant_saved, sender=models.get_grant_model())
        self.listen(post_save, on_device_grant_saved, sender=models.get_device_grant_model())
        self.listen(post_save, on_access_token_saved, sender=access_token)
        self.listen(post_delete, on_access_token_deleted, sender=access_token)
        self.listen(post_save, on_refresh_token_saved, sender=refresh_token)
        self.listen(post_delete, on_refresh_token_deleted, sender=refresh_token)
        self.listen(pre_delete, on_pre_delete_application, sender=models.get_application_model())
        self.listen(user_login_failed, oauth.on_user_login_failed)
        _wrap()


def on_grant_saved(instance: Any, created: bool, using: str, **kwargs: Any) -> None:
    """Record the consent that an authorization code stands for."""
    if created:
        facts = {"grant_type": "authorization_code", "scope": instance.scope}
        _authorized(instance.user, instance.application, using, facts)


def on_device_grant_saved(instance: Any, using: str, update_fields: Any, **kwargs: Any) -> None:
    """Record that a user has let a device in, or has refused to."""
    decided = "status" in (update_fields or ()) and instance.status
    if decided in (instance.AUTHORIZED, instance.DENIED):
        client = _client_named(instance.client_id)
        facts = {"grant_type": "device_code", "scope": instance.scope}
        _authorized(instance.user, client, using, facts, denied=decided == instance.DENIED)


def _authorized(
    user: Any, client: Any, using: str | None, facts: dict[str, str], *, denied: bool = False
) -> None:
    """Record a consent once, whatever the client gets by it."""
    call = oauth.current_call()
    if call.authorized:
        return
    call.authorized = True
    if denied:
        facts = {**facts, "reason": "access_denied"}
    recorder.note(
        events.OAUTH_AUTHORIZED,
        user=user,
        using=using,
        outcome=events.FAILURE if denied else None,
        metadata=_metadata(client, **facts),
    )


def on_access_token_saved(instance: Any, created: bool, using: str, **kwargs: Any) -> None:
    """Record that a token was issued, or refreshed by a new one or in its place."""
    call = oauth.current_call()
    # What a resource server keeps here of another server's token is none of its own.
    if call.kind == "verify" or not (created or call.kind):
        return
    user, client = instance.user, instance.application
    facts = {"grant_type": call.grant_type, "scope": instance.scope}
    by = None
    if call.kind == "authorize":
        _authorized(user, client, using, facts)
    elif call.grant_type == "password":
        # Who gives a password signs in by it.
        by = user
        login = _metadata(client, grant_type=call.grant_type)
        recorder.note(events.LOGIN_SUCCESS, user=user, actor=by, metadata=login)
    refreshed = instance.source_refresh_token_id is not None or not created
    recorder.note(
        events.TOKEN_REFRESHED if refreshed else events.TOKEN_CREATED,
        user=user,
        actor=by,
        using=using,
        metadata=_metadata(client, **facts, token_id=_id_of(instance)),
    )


def on_access_token_deleted(instance: Any, using: str, origin: Any, **kwargs: Any) -> None:
    """Record a revocation, unless the token was over or goes with its user or client."""
    call = oauth.current_call()
    if call.kind == "token":
        # Either a new one takes its place, or all are revoked for the misuse of an old one.
        call.deleted.append((instance, using))
    elif not instance.is_expired() and _is_token(origin):
        _revoked(instance, using)


def on_refresh_token_saved(instance: Any, using: str, **kwargs: Any) -> None:
    """Record a revocation, with which the access token went if there was one."""
    if instance.revoked is not None and oauth.current_call().kind not in ("", "token"):
        _revoked(instance, using)


def on_refresh_token_deleted(instance: Any, using: str, origin: Any, **kwargs: Any) -> None:
    """Record that a usable token was deleted; ``cleartokens`` deletes others."""
    if _is_token(origin) and _is_usable(instance):
        _revoked(instance, using)


def _is_usable(refresh_token: Any) -> bool:
    from oauth2_provider.models import refresh_token_expire_timedelta

    if refresh_token.revoked is not None or refresh_token.access_token_id is None:
        return False
    lifetime = refresh_token_expire_timedelta()
    expires = refresh_token.access_token.expires
    return lifetime is None or bool(expires + lifetime > timezone.now())


def _is_token(origin: Any) -> bool:
    """Return whether a deletion began with tokens, not with what they belong to."""
    from oauth2_provider import models

    tokens = (models.AbstractAccessToken, models.AbstractRefreshToken, models.AbstractIDToken)
    return issubclass(getattr(origin, "model", type(origin)), tokens)


def _revoked(instance: Any, using: str, reason: str = "") -> None:
    """Record it once for all tokens of a user's client that the call under way revokes."""
    call = oauth.current_call()
    owner = (instance.user_id, instance.application_id)
    if owner not in call.revoked:
        call.revoked.add(owner)
        facts = {"scope": getattr(instance, "scope", ""), "reason": reason}
        metadata = _metadata(instance.application, **facts, token_id=_id_of(instance))
        recorder.note(events.TOKEN_REVOKED, user=instance.user, using=using, metadata=metadata)


def on_pre_delete_application(instance: Any, using: str, **kwargs: Any) -> None:
    """Record that all tokens of a client go with it."""
    from oauth2_provider.models import get_access_token_model

    tokens = get_access_token_model()._base_manager.using(using)
    count = tokens.filter(application=instance, expires__gt=timezone.now()).count()
    if count:
        metadata = _metadata(instance, reason="client_deleted") | {"count": count}
        recorder.note(events.TOKEN_REVOKED, using=using, metadata=metadata)


def after_token(result: Any, core: Any, request: Any, **kwargs: Any) -> None:
    """Record what the token endpoint refuses, and what it revokes for a token's misuse."""
    call = oauth.current_call()
    if result[_STATUS] < _FIRST_ERROR:
        return
    if not call.login_failed:
        kind = "refresh_token" if call.grant_type == "refresh_token" else "code"
        presented = functools.partial(_row_of, kind, oauth.typed(request, kind))
        reason = oauth.error_of(result[_BODY])
        _refuse(request, reason, presented, grant_type=call.grant_type)
    for instance, using in call.deleted:
        _revoked(instance, using, reason="reuse")


def after_consent(result: Any, core: Any, request: Any, scopes: Any, *args: Any) -> None:
    """Record a consent that makes neither a code nor a token but only says who the user is."""
    client = _client_named(oauth.typed_client(request))
    facts = {"grant_type": "implicit", "scope": " ".join(scopes)}
    _authorized(context.UNKNOWN, client, None, facts)


def after_error(result: Any, view: Any, error: Any, **kwargs: Any) -> None:
    """Record what the authorization endpoint refuses, or the user there."""
    request, reason = view.request, error.oauthlib_error.error
    if reason == "access_denied":
        client = _client_named(oauth.typed_client(request))
        _authorized(context.UNKNOWN, client, None, {}, denied=True)
    else:
        _refuse(request, reason, exception=type(error.oauthlib_error).__name__)


def after_device(result: Any, view: Any, request: Any, *args: Any, **kwargs: Any) -> None:
    """Record that a device is refused; one that is told to wait is not."""
    reason = oauth.error_of(result.content)
    if reason and reason not in _NOT_YET:
        _refuse(request, reason, grant_type="device_code")


def after_other(result: Any, core: Any, request: Any) -> None:
    """Record a client that is refused where it gets no token."""
    if result[_STATUS] >= _FIRST_ERROR:
        _refuse(request, oauth.error_of(result[_BODY]))


def after_verification(result: Any, core: Any, request: Any, *args: Any, **kwargs: Any) -> None:
    """Record a token that is refused by what it should have opened."""
    valid, seen = result
    if not valid:
        oauth.refuse_bearer(request, getattr(seen, "oauth2_error", None), _refuse, _row_of)


def after_client(result: Any, core: Any, request: Any) -> None:
    """Record a client that is refused by a view for clients."""
    if not result and oauth.shows_a_secret(request):
        _refuse(request, "invalid_client")


def after_authentication(result: Any, backend: Any, request: Any = None, **typed: Any) -> None:
    """Leave a request's refused token to the entry that it has: it is no failed login besides."""
    if result is None and not typed and oauth.was_refused(request):
        wraps.current_attempt(request).noted = True


_metadata = functools.partial(oauth.facts, via="oauth_toolkit")


def _id_of(token: Any) -> str:
    return str(token.token_checksum)[:12]


def _client_named(name: str) -> Any:
    from oauth2_provider.models import get_application_model

    clients = get_application_model()._base_manager.filter(client_id=name)
    # PostgreSQL refuses NUL, and no driver encodes a lone surrogate.
    return clients.first() if name.isprintable() else None


_refuse = functools.partial(oauth.refuse, find_client=_client_named, via="oauth_toolkit")


def _row_of(kind: str, text: str) -> Any:
    """Return the row of a token or a code that was presented, or None."""
    from oauth2_provider import models

    if kind == "code":
        grants = models.get_grant_model()._base_manager.filter(code=text)
        return grants.first() if text.isprintable() else None
    is_access = kind == "access_token"
    model = models.get_access_token_model() if is_access else models.get_refresh_token_model()
    checksum = sha256(text.encode(errors="replace")).hexdigest()
    return model._base_manager.filter(token_checksum=checksum).first()


def _wrap() -> None:
    """Wrap what the endpoints call, and what revokes several tokens in one go.

    Relies on oauth2_backends.py (`OAuthLibCore`), views/mixins.py (`error_response`),
    views/base.py (`device_flow_token_response`), views/oidc.py (`do_logout`), models.py
    (`AbstractRefreshToken.revoke`) and backends.py (`OAuth2Backend`).
    """
    from oauth2_provider.models import AbstractRefreshToken
    from oauth2_provider.oauth2_backends import OAuthLibCore
    from oauth2_provider.views import RPInitiatedLogoutView, TokenView
    from oauth2_provider.views.mixins import OAuthLibMixin

    oauth.around(OAuthLibCore, "create_token_response", after_token, kind="token")
    oauth.around(OAuthLibCore, "create_authorization_response", after_consent, kind="authorize")
    oauth.around(OAuthLibCore, "create_revocation_response", after_other)
    oauth.around(OAuthLibCore, "create_device_authorization_response", after_other)
    oauth.around(OAuthLibCore, "verify_request", after_verification, kind="verify")
    oauth.around(OAuthLibCore, "authenticate_client", after_client)
    oauth.around(OAuthLibMixin, "error_response", after_error)
    oauth.around(TokenView, "device_flow_token_response", after_device)
    oauth.around(RPInitiatedLogoutView, "do_logout", kind="logout")
    oauth.around(AbstractRefreshToken, "revoke", kind="revoke")
    oauth.follow_rest_framework()
    if _BACKEND in settings.AUTHENTICATION_BACKENDS:
        from oauth2_provider.backends import OAuth2Backend

        oauth.around(OAuth2Backend, "authenticate", after_authentication)

"""djangorestframework-simplejwt: tokens given for a password, refreshed, revoked and refused."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from functools import partial
from importlib.util import find_spec
from itertools import islice
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import signals

from django_authaudit import context, events, observers, recorder
from django_authaudit.drafts import Draft, Explain
from django_authaudit.mechanisms import credentials, jwts
from django_authaudit.sources import base

_VIA = "simplejwt"
_PACKAGE = jwts.Package("rest_framework_simplejwt")
_BLACKLIST = "rest_framework_simplejwt.token_blacklist"
_OBTAIN = ("TokenObtainPairView", "TokenObtainSlidingView")
_REFRESH = ("TokenRefreshView", "TokenRefreshSlidingView")
_BLACKLISTING = ("TokenBlacklistView",)
_VERIFY = ("TokenVerifyView",)
_WITH_TOKEN = ("TokenVerifyView", "TokenObtainSlidingView", "TokenRefreshSlidingView")
_ANY = ("TokenViewBase",)
_MOST_TOKENS = 5
Claims = Mapping[str, Any]


class Source(base.Source):
    """The responses of its views and authenticator, for no signal tells; rows of its blacklist."""

    requires = "rest_framework_simplejwt"
    records = (
        events.LOGIN_SUCCESS,
        events.LOGIN_FAILURE,
        events.TOKEN_REFRESHED,
        events.TOKEN_FAILURE,
        events.TOKEN_CREATED,
        events.TOKEN_REVOKED,
    )
    by_response = records[:4]
    blind = (
        "Without its blacklist app, tokens that a project's own code makes; whose token was "
        "refused where JWK_URL is set; and a blacklisting undone by deleting its row."
    )

    @property
    def available(self) -> bool:
        """Whether the package is there: it need not stand in INSTALLED_APPS."""
        return apps.is_installed("rest_framework") and find_spec(self.requires) is not None

    def connect(self) -> None:
        """Register as an observer, and follow the blacklist if it is installed."""
        observers.on_response(on_response, _may_concern)
        if apps.is_installed(_BLACKLIST):
            from rest_framework_simplejwt.token_blacklist import models

            saved = signals.post_save
            self.listen(saved, on_post_save_outstanding, sender=models.OutstandingToken)
            self.listen(saved, on_post_save_blacklisted, sender=models.BlacklistedToken)


def on_post_save_outstanding(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record a token that a project's own code has made."""
    if created and not raw and not _at(_ANY) and _is_new(instance):
        metadata = {"via": _VIA, "token_id": instance.jti}
        recorder.note(events.TOKEN_CREATED, user=instance.user, using=using, metadata=metadata)


def on_post_save_blacklisted(
    sender: Any, instance: Any, created: bool, raw: bool, using: str, **kwargs: Any
) -> None:
    """Record that a token was revoked; one that is rotated is refreshed instead."""
    if created and not raw and not _at(_REFRESH):
        token = instance.token
        recorder.note(
            events.TOKEN_REVOKED,
            user=token.user,
            using=using,
            metadata={"via": _VIA, "token_id": token.jti},
            explain=credentials.is_own_act if _at(_BLACKLISTING) else None,
        )


def _may_concern(request: Any, response: Any, exception: BaseException | None) -> bool:
    scope = context.current()
    made = credentials.view_of(response) is not None or exception is not None
    return made or bool(scope is not None and scope.pending)


def on_response(request: Any, response: Any, exception: BaseException | None) -> None:
    """Look at the responses of the package's views, and at its authenticator's refusals."""
    if not _at(_ANY):
        _look_at_authentication(request, response)
        credentials.drop_what_a_login_made(_VIA)
    elif request.method == "POST" and response is not None:
        _look_at_view(request, response, exception)


def _look_at_view(request: Any, response: Any, exception: BaseException | None) -> None:
    status = response.status_code
    # Who sends another token besides must not be taken for its owner.
    field = "token" if _at(_WITH_TOKEN) else "refresh"
    texts = credentials.presented(request, response, field)
    explain: Explain = partial(_explain_refused, texts=texts)
    event = events.TOKEN_FAILURE
    if status < 300:
        _look_at_success(request, texts, credentials.handed_out(response))
        return
    if isinstance(exception, get_user_model().DoesNotExist):
        # The package asks for an account that was deleted, and fails.
        explain = _explain_gone
    elif status == 400 and _at(_VERIFY):
        # That a token is revoked is bad data there, as no token at all is.
        explain = partial(_explain_refused, texts=texts, only="revoked")
    elif status not in (401, 403):
        return
    elif _at(_OBTAIN):
        typed = credentials.typed(response)
        explain = partial(credentials.explain_right_password, credentials=typed)
        event = events.LOGIN_FAILURE
    credentials.note_refused(request, response, explain, via=_VIA, event=event)


def _look_at_success(request: Any, old: list[str], new: list[str]) -> None:
    if _at(_OBTAIN):
        credentials.note_login(request, partial(_explain_login, texts=new), via=_VIA)
    elif _at(_REFRESH):
        explain = partial(_explain_refresh, old=old, new=new)
        facts = {"via": _VIA}
        recorder.note(events.TOKEN_REFRESHED, request=request, metadata=facts, explain=explain)


def _look_at_authentication(request: Any, response: Any) -> None:
    authentication = _loaded("authentication")
    for authenticator in credentials.refusing(response) if authentication else ():
        if isinstance(authenticator, authentication.JWTAuthentication):
            texts = _read_by(authenticator, request, authentication)
            if texts:
                explain = partial(_explain_refused, texts=_asked_for(texts))
                credentials.note_refused(request, response, explain, via=_VIA)
                return


def _read_by(authenticator: Any, request: Any, authentication: Any) -> list[str]:
    """Return what `authenticator` may have read as a token."""
    scheme, *words = credentials.header(request, _setting("AUTH_HEADER_NAME")) or [""]
    if scheme in {kind.lower() for kind in authentication.AUTH_HEADER_TYPES}:
        return words or [""]
    usual = authentication.JWTAuthentication.authenticate
    is_own = type(authenticator).authenticate is not usual
    return list(request.COOKIES.values()) if is_own else []


def _asked_for(texts: list[str]) -> list[str]:
    """Return the one of these tokens that an authenticator has looked at, as far as can be told.

    Cookies hold a refresh token besides, which is good where the other is refused. One whose
    signature is bad says nothing of itself.
    """
    usual = {kind.token_type for kind in _setting("AUTH_TOKEN_CLASSES")}
    kinds = {text: _PACKAGE.kind(_read(text, made=False)) for text in _tokens(texts)}
    asked = [text for text in kinds if kinds[text] in usual]
    unread = [text for text in kinds if not kinds[text]]
    return (asked or unread)[:1] or texts


def _explain_login(draft: Draft, *, texts: list[str]) -> bool:
    """Name the owner of the token that was given; without a token nobody has signed in."""
    claims = _claims(texts, made=True)
    if not claims:
        return False
    _name(draft, claims)
    return credentials.is_own_act(draft)


def _explain_refresh(draft: Draft, *, old: list[str], new: list[str]) -> bool:
    before, after = _claims(old), _claims(new, made=True)
    _name(draft, before or after)
    renewed = _PACKAGE.id_of(after)
    if _PACKAGE.kind(after) != "access" and renewed != draft.metadata.get("token_id", renewed):
        draft.metadata["new_token_id"] = renewed
    return credentials.is_own_act(draft)


def _explain_gone(draft: Draft) -> bool:
    draft.metadata["reason"] = "unknown_user"
    return True


def _explain_refused(draft: Draft, *, texts: list[str], only: str = "") -> bool:
    """Say why a token was refused, and whose it is if its signature is good."""
    claims = _claims(texts)
    if claims:
        reason = _reason(claims, _name(draft, claims))
    else:
        bad = "invalid" if _PACKAGE.has_keys else "refused"
        reason = bad if any(map(credentials.is_jwt, texts)) else "malformed"
    draft.metadata["reason"] = reason
    return not only or reason == only


def _reason(claims: Claims, account: Any) -> str:
    if _is_over(claims):
        return "expired"
    if _is_blacklisted(_PACKAGE.id_of(claims)):
        return "revoked"
    if account is None:
        return "unknown_user"
    return "refused" if account.is_active else "inactive"


def _is_over(claims: Claims) -> bool:
    ends = (claims.get("exp"), claims.get(_setting("SLIDING_TOKEN_REFRESH_EXP_CLAIM")))
    return any(end is not None and end <= time.time() for end in ends)


def _is_blacklisted(jti: str) -> bool:
    if not apps.is_installed(_BLACKLIST):
        return False
    from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken

    return credentials.find(BlacklistedToken, token__jti=jti) is not None


def _name(draft: Draft, claims: Claims) -> Any:
    """Say which token it is and whose; return the account, or None."""
    facts = {"token_id": _PACKAGE.id_of(claims), "kind": _PACKAGE.kind(claims)}
    draft.metadata |= {key: value for key, value in facts.items() if value}
    key = claims.get(_setting("USER_ID_CLAIM"))
    account = credentials.find(get_user_model(), **{_setting("USER_ID_FIELD"): key})
    if account is not None:
        draft.concerns(account)
    return account


def _claims(texts: Iterable[str], *, made: bool = False) -> Claims:
    """Return the claims of the token among `texts`; of a pair, of the one that lives longer."""
    found = [claims for token in _tokens(texts) if (claims := _read(token, made))]
    return next(
        (claims for claims in found if _PACKAGE.kind(claims) != "access"), (found or [{}])[0]
    )


def _tokens(texts: Iterable[str]) -> Iterable[str]:
    return islice(filter(credentials.is_jwt, texts), _MOST_TOKENS)


def _read(text: str, made: bool) -> Claims:
    """Return the claims of a token whose signature is good, be it expired; else nothing.

    The keys of JWK_URL are not asked for over the network: one that was `made` just now is
    believed then, and no other.
    """
    if made and not _PACKAGE.has_keys:
        return credentials.claims_of(text)
    return _PACKAGE.verified(text)


def _setting(name: str) -> Any:
    from rest_framework_simplejwt.settings import api_settings

    return getattr(api_settings, name)


def _is_new(outstanding: Any) -> bool:
    """Return whether the token was made just now; one that is revoked is entered late."""
    from rest_framework_simplejwt.utils import datetime_to_epoch

    issued = credentials.claims_of(outstanding.token).get("iat")
    return bool(issued == datetime_to_epoch(outstanding.created_at))


def _at(names: Iterable[str]) -> bool:
    """Return whether the request under way is for one of these views, or one made from it."""
    scope, views = context.current(), _loaded("views")
    view = context.view_class(scope.request) if scope is not None and views else None
    return view is not None and issubclass(view, tuple(getattr(views, name, ()) for name in names))


def _loaded(module: str) -> Any:
    """Return a module of the package, or None where the project does not use it."""
    return sys.modules.get(f"rest_framework_simplejwt.{module}")

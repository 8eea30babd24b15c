"""Lockouts by django-defender."""

from __future__ import annotations

import functools
from typing import Any

from django_authaudit import context, events, lookups, recorder
from django_authaudit.drafts import Draft
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, login_failures, pending
from django_authaudit.sources import base

_VIA = "defender"
_IP, _NAME = "ip_address", "username"


class Source(base.Source):
    """Its two signals of a lock; that it unlocks, and refuses, is seen where it does so."""

    requires = "defender"
    records = (
        events.ACCOUNT_LOCKED,
        events.ACCOUNT_UNLOCKED,
        events.LOGIN_FAILURE,
    )
    blind = (
        "A lock that ends by time, keys deleted from Redis, and an attempt that a project's own "
        "code refuses by is_already_locked()."
    )

    def connect(self) -> None:
        """Connect the signals of a lock, and wrap what has none or sends it too often."""
        from defender import signals, utils, views

        self.listen(signals.ip_block, on_ip_block)
        self.listen(signals.username_block, on_username_block)
        calls.watch("defender.utils.lockout_response", on_lockout)
        for module in (utils, views):
            _follow(module, "unblock_ip", _IP)
            _follow(module, "unblock_username", _NAME)


def on_ip_block(sender: Any, ip_address: Any = None, **kwargs: Any) -> None:
    """Record that an address was locked; who was tried is known of the failed login."""
    failed = pending.last(events.LOGIN_FAILURE)
    typed = failed.username if failed is not None else ""
    _note(events.ACCOUNT_LOCKED, {_IP: str(ip_address)}, typed)


def on_username_block(sender: Any, username: Any = None, **kwargs: Any) -> None:
    """Record that a name was locked."""
    _note(events.ACCOUNT_LOCKED, {_NAME: str(username)}, str(username))


def on_lockout(call: calls.Call) -> None:
    """Record an attempt while locked, of which nobody is told: the view is not even called.

    The same answer is given to the attempt that locks, which is recorded, and to who only asks
    for the form (defender/decorators.py, `watch_login`).
    """
    request, scope = call.facts["request"], context.current()
    if request.method != "POST" or (scope is not None and scope.refused):
        return
    recorder.note(
        events.LOGIN_FAILURE,
        request=request,
        username=str(call.facts.get(_NAME) or ""),
        metadata={"reason": "locked", "via": _VIA},
        explain=login_failures.explain,
    )


def _follow(module: Any, name: str, parameter: str) -> None:
    """See what is unlocked by one of the package's functions.

    Its signals come for what was never locked too, with each login (defender/utils.py,
    `unblock_ip`, `unblock_username`, `reset_failed_attempts`); afterwards nobody knows.
    """
    original = getattr(module, name)
    if getattr(original, "_authaudit_wrap", False):
        return

    @functools.wraps(original)
    def unblock(value: Any, *args: Any, **kwargs: Any) -> Any:
        was_locked = False
        with guard(f"looking at {name}()"):
            was_locked = _is_locked(parameter, value)
        result = original(value, *args, **kwargs)
        if was_locked:
            _note(events.ACCOUNT_UNLOCKED, {parameter: value}, value if parameter == _NAME else "")
        return result

    unblock.__dict__["_authaudit_wrap"] = True
    setattr(module, name, unblock)


def _is_locked(parameter: str, value: Any) -> bool:
    from defender import config, utils

    if pending.last(events.LOGIN_SUCCESS) is not None and not config.LOCKOUT_BY_IP_USERNAME:
        # Who is locked cannot have signed in: Redis need not be asked.
        return False
    is_locked = (
        utils.is_source_ip_already_locked if parameter == _IP else utils.is_user_already_locked
    )
    return bool(is_locked(value))


def _note(event: str, parameter: dict[str, str], typed: str) -> None:
    """Record what was locked or unlocked; a name and an address at once are one entry."""
    draft = _latest()
    if draft is None or draft.event.code != event:
        metadata = {"via": _VIA, "parameters": [parameter]}
        recorder.note(event, username=typed, metadata=metadata, explain=_name_account)
    else:
        draft.username = draft.username or typed
        draft.metadata["parameters"].append(parameter)


def _latest() -> Draft | None:
    """Return the last of the locks, opened or closed, that the request has recorded."""
    drafts = pending.drafts(events.ACCOUNT_LOCKED) + pending.drafts(events.ACCOUNT_UNLOCKED)
    own = (draft for draft in drafts if draft.metadata.get("via") == _VIA)
    return max(own, key=lambda draft: draft.id, default=None)


def _name_account(draft: Draft) -> bool:
    account = lookups.find_or_mask(draft, draft.username)
    if account is not None:
        draft.username = ""
        draft.concerns(account)
    for parameter in draft.metadata["parameters"]:
        if _NAME in parameter:
            parameter[_NAME] = draft.username
    return True

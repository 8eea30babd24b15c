"""An event on its way to becoming an entry: what is known now, and how to learn the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from django_authaudit import context, signals
from django_authaudit.addresses import address_text, parse_address
from django_authaudit.entry import Entry, make_entry, new_id
from django_authaudit.events import FAILURE, SUCCESS, Event
from django_authaudit.guard import guard
from django_authaudit.transactions import Fate, in_transaction

Explain = Callable[["Draft"], bool]
"""Learns at the flush what only explains; returns False when there is nothing to record."""


class Draft:
    """The mutable stage before an `Entry`; lives from `record()` to the flush."""

    def __init__(
        self,
        event: Event,
        *,
        request: HttpRequest | None = None,
        user: Any = None,
        username: str = "",
        email: str = "",
        actor: Any = None,
        ip_address: str | None = None,
        outcome: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        using: str | None = None,
        explain: Explain | None = None,
    ) -> None:
        self.id = new_id()
        self.event = event
        self.outcome = outcome if outcome in (SUCCESS, FAILURE) else event.outcome
        self.request = request
        self.user_id: Any = None
        self.username = username
        self.email = email
        self.actor = context.signed_in(request) if actor is None else actor
        self.impersonation = context.impersonation(request)
        self.actor_id: Any = None
        self.actor_username = ""
        self.ip_address = ip_address
        self.session_key = context.session_key(request)
        self.metadata: dict[str, Any] = dict(metadata or {})
        self.using = using
        self.explain = explain
        self.fate: Fate | None = None
        self.scope = context.current()
        self.test_case: object | None = None
        self.finished = False
        self.by_receiver = signals.in_receiver()
        self.own_act = user is context.UNKNOWN
        if not self.own_act and context.known(user) is not None:
            self.concerns(user)

    def concerns(self, user: Any) -> None:
        """Name the account concerned, as it is called now."""
        self.user_id = context.key_of(user)
        self.username = self.username or user.get_username()
        self.email = self.email or _email_of(user)

    def settle(self, user: Any) -> None:
        """Say who was signed in so far, for the request is about to have another user."""
        if self.actor is context.UNKNOWN:
            self.actor = user
        if self.impersonation is context.UNKNOWN:
            self.impersonation = context.impersonation(self.request)

    def name_session(self) -> None:
        """Name the session, which is made after the signal, and say when it was not kept."""
        self.session_key = context.session_key(self.request) or self.session_key
        scope = self.scope
        if scope is not None and scope.request is self.request and not scope.session_outside:
            cookies = getattr(scope.response, "cookies", {})
            if settings.SESSION_COOKIE_NAME not in cookies:
                self.metadata["session_kept"] = False

    def undone_by(self) -> str | None:
        """Return the alias of the open transaction whose rollback would undo what happened."""
        if self.event.changes_state and self.using and in_transaction(self.using):
            return self.using
        return None

    def withdraw(self) -> bool:
        """Record nothing after all; return False when it is too late for that."""
        if self.finished or self.fate is None or not self.fate.pending:
            return False
        self.explain = _drop
        return True

    def finish(self) -> Entry | None:
        """Return the entry, or None when there turns out to be nothing to record."""
        self.finished = True
        # Whoever cannot be asked for, while the database is away, must not cost what follows.
        with guard("asking who is signed in") as attempt:
            self._settle_actor()
        if attempt.error is not None and not attempt.forbidden_by_tests:
            self.metadata["incomplete"] = type(attempt.error).__name__
        if self.explain is not None and not self.explain(self):
            return None
        return self._entry(self.metadata, self._facts())

    def bare(self, error: BaseException | None) -> Entry:
        """Return the entry as far as it was known before finishing it failed."""
        mark = {"incomplete": type(error).__name__} if error is not None else {}
        facts: dict[str, Any] = {}
        # They need no database, which may be what has failed.
        with guard("reading the request"):
            facts = self._facts()
        return self._entry({**self.metadata, **mark}, facts)

    def least(self) -> Entry:
        """Return that it happened, and to whom: no value may cost the entries beside its own."""
        return make_entry(
            id=self.id,
            event=self.event.code,
            outcome=self.outcome,
            user_id=self.user_id,
            metadata={"incomplete": "values"},
        )

    def of_nobody(self) -> bool:
        """Return whether nobody is signed in, once that is settled; not if it cannot be known."""
        return self.actor_id is None and "incomplete" not in self.metadata

    def _facts(self) -> dict[str, Any]:
        facts = context.request_facts(self.request) if self.request is not None else {}
        if self.ip_address:
            facts["ip_address"] = address_text(parse_address(str(self.ip_address)))
        return facts

    def _entry(self, known: Mapping[str, Any], facts: dict[str, Any]) -> Entry:
        metadata = {**known, **facts.pop("metadata", {})}
        outcome = self.outcome
        if self.event.changes_state and self.fate is not None and self.fate.rolled_back:
            outcome = FAILURE
            metadata["rolled_back"] = True
        return make_entry(
            id=self.id,
            event=self.event.code,
            outcome=outcome,
            user_id=_native(self.user_id),
            username=self.username,
            email=self.email,
            actor_id=_native(self.actor_id),
            actor_username=self.actor_username,
            session_ref=context.session_ref(self.session_key),
            metadata=metadata,
            **facts,
        )

    def _settle_actor(self) -> None:
        actor = self.actor
        if actor is context.UNKNOWN:
            actor = context.ask_signed_in(self.request) if self.request is not None else None
        if actor is not None and self.own_act:
            self.concerns(actor)
        if self.impersonation is context.UNKNOWN:
            self.impersonation = context.impersonation(self.request, load=True)
        behind = self.impersonation
        if self.request is not None and behind is not None and behind.hides(actor):
            key = behind.accounts[0]
            self.actor_id = get_user_model()._meta.pk.to_python(key)
            actor = find_person(self.request, key)
        if actor is not None:
            self.actor_id = context.key_of(actor)
            self.actor_username = actor.get_username()


def find_person(request: HttpRequest, key: Any) -> Any:
    """Return the account that a session knows by `key`, or None; asks once in a request."""
    people = request.__dict__.setdefault("_authaudit_people", {})
    if key not in people:
        people[key] = get_user_model()._base_manager.filter(pk=key).first()
    return people[key]


def _native(key: Any) -> Any:
    """Return the key of an account as its database gives it back, for that is what is signed."""
    try:
        return None if key is None else get_user_model()._meta.pk.to_python(key)
    except ValidationError:
        # No database stores it, so the entry is for the spool.
        return key


def _drop(draft: Draft) -> bool:
    return False


def _email_of(user: Any) -> str:
    field = getattr(user, "get_email_field_name", None)
    return str(getattr(user, field(), "") or "") if field is not None else ""

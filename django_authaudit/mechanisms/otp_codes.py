"""The codes of django-otp's devices: accepted, refused, or not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.core.exceptions import ValidationError

from django_authaudit import events, recorder
from django_authaudit.drafts import Draft
from django_authaudit.guard import guard
from django_authaudit.mechanisms import calls, login_failures, otp_devices, pending
from django_authaudit.mechanisms.otp_devices import facts_of, keep_open, still_open, via


class Verification:
    """One check of a code, by a form or by a device alone."""

    device: Any = None


_under_way: ContextVar[Verification | None] = ContextVar("django_authaudit.otp", default=None)


def follow_codes(device_class: Any, form_class: Any) -> None:
    """Follow the devices that inherit from `device_class` and the forms from `form_class`.

    A signal tells of some refused codes, and of no accepted one. Every device is asked by
    `verify_token()` (django_otp/models.py), every form asks by `clean_otp()`
    (django_otp/forms.py); a form may know more, and a device may be asked without one.
    """
    for model in otp_devices.device_models(device_class):
        owner = next(base for base in model.__mro__ if "verify_token" in base.__dict__)
        calls.replace(owner, "verify_token", _around_verification)
    calls.replace(form_class, "clean_otp", _around_form)


@contextmanager
def _verifying() -> Iterator[Verification]:
    verification = Verification()
    token = _under_way.set(verification)
    try:
        yield verification
    finally:
        _under_way.reset(token)


def _around_verification(original: Callable[..., Any]) -> Callable[..., Any]:
    def verify_token(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _under_way.get() is not None:
            return original(self, *args, **kwargs)
        failures = getattr(self, "throttling_failure_count", None)
        with _verifying():
            accepted = original(self, *args, **kwargs)
        with guard("recording the check of a code"):
            _checked(self, accepted, failures)
        return accepted

    return verify_token


def _checked(device: Any, accepted: bool, failures: int | None) -> None:
    # A device that is not in use yet is being set up.
    if device.pk is None or not device.confirmed:
        return
    if accepted:
        _passed(device, device.user, via(type(device)))
    else:
        # A code that was looked at is one failure more.
        throttled = failures is not None and failures == device.throttling_failure_count
        _failed(device, device.user, via(type(device)), throttled)


def _around_form(original: Callable[..., Any]) -> Callable[..., Any]:
    def clean_otp(self: Any, user: Any) -> Any:
        with _verifying() as verification, _seeing_the_choice(self, verification):
            try:
                result = original(self, user)
            except ValidationError as error:
                with guard("recording a code that a form refused"):
                    _refused_by_form(self, user, verification.device, error)
                raise
        with guard("recording a code that a form accepted"):
            if user is not None:
                _passed(user.otp_device, user, via(type(self)))
        return result

    return clean_otp


@contextmanager
def _seeing_the_choice(form: Any, verification: Verification) -> Iterator[None]:
    """See which device the form asks, by shadowing its method, whichever class defines it."""
    choose = getattr(form, "_chosen_device", None)

    def chosen(user: Any) -> Any:
        verification.device = choose and choose(user)
        return verification.device

    form.__dict__["_chosen_device"] = chosen
    try:
        yield
    finally:
        del form.__dict__["_chosen_device"]


def _refused_by_form(form: Any, user: Any, device: Any, error: ValidationError) -> None:
    code = getattr(error, "code", None)
    # After too many the form looks at none, and gives its error no code.
    throttled = not code
    refused = throttled or code == "invalid_token"
    # Its module needs the user model, and a source must be listed without one.
    from django.contrib.auth.forms import AuthenticationForm

    if not isinstance(form, AuthenticationForm):
        if refused:
            _failed(device, user, via(type(form)), throttled)
    elif refused:
        reason = "throttled" if throttled else "mfa"
        login_failures.explain_form(form, **_facts(device, via(type(form)), reason=reason))
    else:
        # The right password, and the code is still to come.
        login_failures.explain_form(form)


def _facts(device: Any, package: str, **facts: str) -> dict[str, Any]:
    """Return the metadata of a code; up to 1.7.0, a form may not know its device."""
    return {**(facts_of(device) if device is not None else {}), "via": package, **facts}


def _passed(device: Any, user: Any, package: str) -> None:
    key = ("challenge", user.pk)
    draft = still_open(key)
    if draft is not None and draft.outcome == events.FAILURE:
        pending.take_back(draft)
    facts = _facts(device, package)
    event, using = events.MFA_CHALLENGE_SUCCESS, None
    if facts["kind"] == otp_devices.CODES:
        del facts["kind"]
        event, using = events.MFA_RECOVERY_CODE_USED, device._state.db
    elif draft is not None and draft.outcome == events.SUCCESS:
        return
    noted = recorder.note(event, user=user, using=using, metadata=facts, explain=_by_who_it_was)
    keep_open(key, noted)


def _failed(device: Any, user: Any, package: str, throttled: bool) -> None:
    key = ("challenge", user.pk)
    # Whoever tries one device after the other tries once.
    if still_open(key) is None:
        facts = _facts(device, package, reason="throttled" if throttled else "invalid_code")
        keep_open(key, recorder.note(events.MFA_CHALLENGE_FAILURE, user=user, metadata=facts))


def _by_who_it_was(draft: Draft) -> bool:
    """Name who is signing in: with the code, it is the account's own person."""
    if draft.actor_id is None:
        draft.actor_id, draft.actor_username = draft.user_id, draft.username
    return True

"""djangosaml2: one entry for each assertion that lets nobody in, and none of what it says."""

import base64
import gc
import os
import warnings

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpResponse
from djangosaml2.backends import Saml2Backend
from djangosaml2.views import AssertionConsumerServiceView
from saml2.samlp import (
    STATUS_AUTHN_FAILED,
    STATUS_NO_AUTHN_CONTEXT,
    STATUS_PARTIAL_LOGOUT,
    STATUS_REQUEST_DENIED,
)

from tests.sources import identity
from tests.sources.recorded import WRONG, failure, success

pytestmark = [
    pytest.mark.skipif(
        not identity.XMLSEC and not os.environ.get("AUTHAUDIT_ECOSYSTEM"), reason="needs xmlsec1"
    ),
    # pysaml2 uses what its own dependencies have given up, and leaves files open.
    *[
        pytest.mark.filterwarnings(f"ignore::{kind}")
        for kind in ("DeprecationWarning", "UserWarning", "ResourceWarning")
    ],
]

BACKEND = "djangosaml2.backends.Saml2Backend"
ACS = "/saml2/acs/"
AT = f"POST {ACS}"
SSN = "078-05-1120"
BOB = {"uid": ["bob"], "mail": ["bob@example.org"], "eduPersonNickname": [SSN]}


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture(autouse=True)
def learn(secrets):
    secrets.learn(SSN, "name-id-of-bob-at-the-provider")


@pytest.fixture(autouse=True, scope="module")
def close_files():
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        identity.provider.cache_clear()
        gc.collect()


class Choosy(Saml2Backend):  # type: ignore[misc]  # has no types
    def is_authorized(self, *args, **kwargs):
        return super().is_authorized(*args, **kwargs) and False


class Refusing(Saml2Backend):  # type: ignore[misc]  # has no types
    def clean_attributes(self, *args, **kwargs):
        raise PermissionDenied


class Broken(Saml2Backend):  # type: ignore[misc]  # has no types
    def clean_attributes(self, *args, **kwargs):
        raise RuntimeError(SSN)


def begin(browser):
    request_id = identity.asked_for(browser.get("/saml2/login/"))
    browser.secrets.learn(request_id)
    return request_id


def post(browser, answer):
    browser.secrets.learn(answer)
    return browser.post(ACS, {"SAMLResponse": answer, "RelayState": "/"})


def sign_in(browser, **options):
    return post(browser, identity.answer(begin(browser), BOB, **options))


def failed(reason, user=None, exception="", **facts):
    facts = {"at": AT, "via": "djangosaml2", "reason": reason, **facts}
    if exception:
        facts["exception"] = exception
    return failure("auth.sso.failure", user=user, **facts)


def refused(reason, user=None):
    return failed(reason, user, provider=identity.PROVIDER)


def test_a_sign_in_is_a_login(client, bob, log):
    assert sign_in(client).status_code == 302

    facts = {"at": AT, "backend": BACKEND}
    assert log.new() == [success("auth.login.success", user=bob, actor=bob, **facts)]


def test_a_first_sign_in_makes_the_account_and_is_a_login(client, log):
    sign_in(client)

    assert [row["event"] for row in log.new()] == ["account.created", "auth.login.success"]


@pytest.mark.parametrize(
    ("status", "reason", "exception"),
    [
        (STATUS_AUTHN_FAILED, "authn_failed", "StatusAuthnFailed"),
        (STATUS_REQUEST_DENIED, "request_denied", "StatusRequestDenied"),
        (STATUS_NO_AUTHN_CONTEXT, "no_authn_context", "StatusNoAuthnContext"),
        (STATUS_PARTIAL_LOGOUT, "status_error", "StatusPartialLogout"),
    ],
)
def test_a_sign_in_that_the_provider_refuses_is_one_failure(
    client, log, status, reason, exception
):
    assert post(client, identity.refusal(begin(client), status)).status_code == 403

    assert log.new() == [failed(reason, exception=exception)]


def test_an_assertion_of_another_provider_is_one_failure(client, log):
    sign_in(client, by="another")

    [row] = log.new()
    assert row == failed("invalid_signature", exception=row["metadata"]["exception"])


def test_an_assertion_that_was_changed_is_one_failure(client, log):
    xml = base64.b64decode(identity.answer(begin(client), BOB)).decode()
    forged = xml.replace(">bob<", ">root<")
    assert forged != xml
    post(client, base64.b64encode(forged.encode()).decode())

    [row] = log.new()
    assert row == failed("invalid_signature", exception="SignatureError")


def test_an_assertion_that_nobody_asked_for_is_one_failure(client, log):
    post(client, identity.answer("id-of-no-request-of-ours", BOB))

    assert log.new() == [failed("unsolicited", exception="UnsolicitedResponse")]


def test_an_assertion_that_comes_twice_is_one_failure(client, bob, log):
    answer = identity.answer(begin(client), BOB)
    post(client, answer)
    log.forget()
    post(client, answer)

    assert log.new() == [failed("unsolicited", bob, "UnsolicitedResponse", actor=bob)]


def test_what_is_no_assertion_is_one_failure(client, log):
    assert client.post(ACS).status_code == 400
    post(client, base64.b64encode(b"<nothing/>").decode())

    first, second = log.new()
    assert first == failed("malformed")
    assert second["event"] == "auth.sso.failure"


def test_an_assertion_that_the_project_does_not_like_is_one_failure(client, log, monkeypatch):
    def custom_validation(self, response):
        raise RuntimeError(SSN)

    monkeypatch.setattr(AssertionConsumerServiceView, "custom_validation", custom_validation)
    assert sign_in(client).status_code == 400

    assert log.new() == [failed("invalid_response", exception="SuspiciousOperation")]


def test_an_unknown_user_is_one_failure(client, log, settings):
    settings.SAML_CREATE_UNKNOWN_USER = False
    assert sign_in(client).status_code == 403

    assert log.new() == [refused("unknown_user")]


def test_an_inactive_user_is_named(client, bob, log):
    bob.is_active = False
    bob.save()
    log.forget()
    sign_in(client)

    assert log.new() == [refused("inactive", bob)]


@pytest.mark.parametrize(
    ("backend", "reason"), [("Choosy", "not_authorized"), ("Refusing", "refused")]
)
def test_a_backend_that_refuses_is_one_failure(client, bob, log, settings, backend, reason):
    settings.AUTHENTICATION_BACKENDS = [f"tests.sources.test_djangosaml2.{backend}"]
    sign_in(client)

    assert log.new() == [refused(reason)]


def test_a_backend_that_breaks_is_one_failure(client, bob, log, settings):
    settings.AUTHENTICATION_BACKENDS = ["tests.sources.test_djangosaml2.Broken"]
    assert sign_in(client).status_code == 500

    assert log.new() == [failed("error", exception="RuntimeError")]


def test_a_view_of_the_project_that_answers_by_itself_is_one_failure(client, log, monkeypatch):
    def handle_acs_failure(self, request, exception=None, status=403, **kwargs):
        return HttpResponse("no", status=403)

    monkeypatch.setattr(AssertionConsumerServiceView, "handle_acs_failure", handle_acs_failure)
    assert client.post(ACS, {"SAMLResponse": "nothing"}).content == b"no"

    [row] = log.new()
    assert row["event"] == "auth.sso.failure"


def test_a_sign_in_by_a_provider_that_is_none_is_one_failure(client, log):
    assert client.get("/saml2/login/?idp=https://evil.example.org/").status_code == 403

    assert log.new() == [failed("unknown_provider", at="GET /saml2/login/")]


def test_a_password_stays_a_failed_login(client, bob, log):
    client.post("/login/", {"username": "bob", "password": WRONG})

    at = "POST /login/"
    assert log.new() == [failure("auth.login.failure", user=bob, at=at, reason="invalid_password")]


def test_the_backend_elsewhere_decides_as_ever(client, bob):
    sign_in(client)
    bob.is_active = False
    backend = Saml2Backend()

    assert not backend.user_can_authenticate(bob)
    assert backend.user_can_authenticate(None)

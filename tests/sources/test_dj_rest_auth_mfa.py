"""The second factor of dj-rest-auth: added, used, refused, removed."""

import pyotp
import pytest
from dj_rest_auth.app_settings import api_settings
from dj_rest_auth.mfa.models import Authenticator
from dj_rest_auth.mfa.recovery_codes import RecoveryCodes
from dj_rest_auth.mfa.totp import TOTP
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, transaction

from django_authaudit import sources
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, failure, success
from tests.users.models import ProxyUser

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LOGIN, VERIFY = "/api/login/", "/api/mfa/verify/"
ACTIVATE, DEACTIVATE = "/api/mfa/totp/activate/", "/api/mfa/totp/deactivate/"
REGENERATE = "/api/mfa/recovery-codes/regenerate/"
WRONG_CODE = "abcdef"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch, secrets):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)
    secrets.learn(SECRET)


@pytest.fixture
def factor(bob, secrets, log):
    """Bob's second factor."""
    factor = TOTP.activate(bob, SECRET)
    secrets.learn(*RecoveryCodes.activate(bob), factor.data["secret"])
    secrets.learn(codes_of(bob).data["seed"])
    log.forget()
    return factor


@pytest.fixture(params=[True, False], ids=["session", "token"])
def session(request, monkeypatch):
    monkeypatch.setattr(api_settings, "SESSION_LOGIN", request.param)
    return request.param


def codes_of(user):
    return Authenticator.objects.get(user=user, type="recovery_codes")


def code():
    return pyotp.TOTP(SECRET).now()


def of(event, user, at="", outcome=success, actor=None, **facts):
    facts = {"via": "dj_rest_auth", **facts}
    return outcome(event, user=user, actor=actor, at=at and f"POST {at}", **facts)


def half_way(client, bob):
    """Give the password; return the token to give a code with."""
    answer = client.post(LOGIN, {"username": "bob", "password": PASSWORD}).json()
    client.secrets.learn(answer["ephemeral_token"])
    return answer["ephemeral_token"]


def verify(client, token, code):
    answer = client.post(VERIFY, {"ephemeral_token": token, "code": code})
    client.secrets.learn(answer.json().get("key", ""))
    return answer


class TestSignIn:
    def test_by_a_code_is_one_login_after_it(self, client, session, bob, factor, log):
        token = half_way(client, bob)
        assert log.new() == []

        assert verify(client, token, code()).status_code == 200
        rows = {row["event"]: row for row in log.new()}
        backend = {"backend": MODEL_BACKEND} if session else {}
        event, used = "auth.mfa.challenge.success", "auth.login.success"
        assert rows.pop(event) == of(event, bob, VERIFY, kind="totp")
        assert rows.pop(used) == of(used, bob, VERIFY, actor=bob, mfa="totp", **backend)
        assert [(row["event"], row["actor"]) for row in rows.values()] == [
            ("auth.token.created", bob.pk)
        ]

    def test_by_a_recovery_code_uses_it(self, client, session, bob, factor, log):
        verify(client, half_way(client, bob), RecoveryCodes.get_unused_codes(bob)[0])

        used, *_ = rows = log.new()
        assert used == of("auth.mfa.recovery_code_used", bob, VERIFY)
        [login] = [row for row in rows if row["event"] == "auth.login.success"]
        assert login["metadata"]["mfa"] == "recovery_codes"
        assert len(rows) == 3

    def test_by_a_wrong_code_is_one_failure(self, client, bob, factor, log):
        assert verify(client, half_way(client, bob), WRONG_CODE).status_code == 400

        event = "auth.mfa.challenge.failure"
        assert log.new() == [of(event, bob, VERIFY, failure, reason="invalid_code")]

    def test_by_a_bad_token_names_nobody(self, client, log):
        verify(client, "bad", WRONG_CODE)

        event = "auth.mfa.challenge.failure"
        entry = of(event, None, VERIFY, failure, reason="invalid_or_expired_token")
        assert log.new() == [entry]

    def test_by_an_account_switched_off_meanwhile_is_one_failure(self, client, bob, factor, log):
        token = half_way(client, bob)
        bob.is_active = False
        bob.save()
        log.forget()
        verify(client, token, code())

        event = "auth.mfa.challenge.failure"
        assert log.new() == [of(event, bob, VERIFY, failure, reason="inactive")]

    def test_without_a_factor_is_the_login_alone(self, client, session, bob, log):
        answer = client.post(LOGIN, {"username": "bob", "password": PASSWORD})
        client.secrets.learn(answer.json()["key"])

        events = [row["event"] for row in log.new()]
        assert events == ["auth.token.created", "auth.login.success"]

    def test_for_the_options_is_nothing(self, client, log):
        assert client.options(VERIFY).status_code == 200

        assert log.new() == []

    def test_without_the_middleware_tells_of_the_code(self, client, bob, factor, settings, log):
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "authaudit" not in name]
        verify(client, half_way(client, bob), code())

        assert "auth.mfa.challenge.success" in [row["event"] for row in log.new()]


class TestFactor:
    def activate(self, browser, code):
        begun = browser.get(ACTIVATE).json()
        browser.secrets.learn(begun["secret"], begun["activation_token"])
        given = code or pyotp.TOTP(begun["secret"]).now()
        answer = browser.post(
            ACTIVATE, {"activation_token": begun["activation_token"], "code": given}
        )
        browser.secrets.learn(*answer.json().get("recovery_codes", ()))
        return answer.status_code

    def test_that_is_added_is_one_entry_and_its_recovery_codes(self, as_bob, bob, log):
        assert self.activate(as_bob, "") == 200

        totp, codes = Authenticator.objects.get(type="totp"), codes_of(bob)
        facts = {"actor": bob}
        assert log.new() == [
            of("auth.mfa.enrolled", bob, ACTIVATE, kind="totp", factor=totp.pk, **facts),
            of("auth.mfa.recovery_codes_generated", bob, ACTIVATE, factor=codes.pk, **facts),
        ]

    def test_that_is_added_with_a_wrong_code_is_nothing(self, as_bob, log):
        assert self.activate(as_bob, WRONG_CODE) == 400

        assert log.new() == []

    def test_that_is_removed_is_one_entry(self, as_bob, bob, factor, log):
        assert as_bob.post(DEACTIVATE, {"code": code()}).status_code == 200

        facts = {"kind": "totp", "factor": factor.pk, "recovery_codes": True}
        assert log.new() == [of("auth.mfa.removed", bob, DEACTIVATE, actor=bob, **facts)]

    def test_that_is_removed_with_a_wrong_code_is_a_failed_reauthentication(
        self, as_bob, bob, factor, log
    ):
        assert as_bob.post(DEACTIVATE, {"code": WRONG_CODE}).status_code == 400

        facts = {"kind": "totp", "reason": "invalid_code", "actor": bob}
        event = "auth.reauthentication.failure"
        assert log.new() == [of(event, bob, DEACTIVATE, failure, **facts)]

    def test_that_there_is_not_cannot_be_removed(self, as_bob, log):
        assert as_bob.post(DEACTIVATE, {"code": WRONG_CODE}).status_code == 400

        assert log.new() == []

    def test_that_a_project_removes_is_told(self, bob, factor, log):
        codes = codes_of(bob)
        pk = codes.pk
        codes.delete()

        facts = {"kind": "recovery_codes", "factor": pk}
        assert log.new() == [of("auth.mfa.removed", bob, **facts)]

    def test_whose_removal_is_rolled_back_says_so(self, bob, factor, act, log):
        def roll_back(request):
            with transaction.atomic():
                factor.delete()
                transaction.set_rollback(True)

        act(roll_back)

        [row] = log.new()
        assert (row["event"], row["outcome"]) == ("auth.mfa.removed", "failure")

    def test_that_goes_with_its_account_is_a_part_of_that(self, bob, factor, log):
        ProxyUser.objects.filter(pk=bob.pk).delete()

        assert not Authenticator.objects.exists()
        assert not get_user_model().objects.filter(pk=bob.pk).exists()
        assert [row["event"] for row in log.new()] == ["account.deleted"]

    def test_of_a_fixture_is_nothing(self, bob, factor, log, tmp_path):
        kept = str(tmp_path / "kept.json")
        call_command("dumpdata", "dj_rest_auth_mfa", output=kept, verbosity=0)
        Authenticator.objects.all().delete()
        log.forget()
        call_command("loaddata", kept, verbosity=0)

        assert Authenticator.objects.count() == 2
        assert log.new() == []


class TestRecoveryCodes:
    def test_that_are_made_anew_are_one_entry(self, as_bob, bob, factor, log):
        as_bob.secrets.learn(*as_bob.post(REGENERATE).json()["codes"])
        as_bob.secrets.learn(codes_of(bob).data["seed"])

        facts = {"factor": codes_of(bob).pk, "regenerated": True, "actor": bob}
        event = "auth.mfa.recovery_codes_generated"
        assert log.new() == [of(event, bob, REGENERATE, **facts)]

    def test_that_are_looked_at_are_nothing(self, as_bob, bob, factor, log):
        as_bob.secrets.learn(*as_bob.post("/api/mfa/recovery-codes/").json()["codes"])

        assert log.new() == []

    def test_that_were_deleted_meanwhile_are_new(self, bob, factor, log):
        codes = codes_of(bob)
        Authenticator.objects.filter(pk=codes.pk)._raw_delete("default")
        codes.save()

        facts = {"factor": codes.pk}
        assert log.new() == [of("auth.mfa.recovery_codes_generated", bob, **facts)]


def test_connecting_twice_records_nothing_twice(client, bob, factor, log):
    sources.connect_all()
    token = half_way(client, bob)
    verify(client, token, WRONG_CODE)
    verify(client, token, code())

    assert sorted(row["event"] for row in log.new()) == [
        "auth.login.success",
        "auth.mfa.challenge.failure",
        "auth.mfa.challenge.success",
        "auth.token.created",
    ]

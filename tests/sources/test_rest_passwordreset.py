"""Password resets by django-rest-passwordreset: one entry each, whoever asks for whom."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.db.models import F
from django_rest_passwordreset.models import ResetPasswordToken
from django_rest_passwordreset.signals import reset_password_token_created
from rest_framework.throttling import AnonRateThrottle

from django_authaudit import sources
from django_authaudit.cleaning import MASK
from tests.sources.recorded import NEW, failure, success


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    cache.clear()
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture(params=["resets", "sets"])
def base(request):
    """The address of the package's views, and of its view sets."""
    return f"/{request.param}/"


@pytest.fixture
def token(bob, secrets):
    token = ResetPasswordToken.objects.create(user=bob)
    secrets.learn(token.key)
    return token


@pytest.fixture
def show_unknown(settings):
    settings.DJANGO_REST_PASSWORDRESET_NO_INFORMATION_LEAKAGE = False


def requested(at, user=None, outcome=success, **facts):
    return outcome(
        "auth.password_reset.requested",
        user=user,
        at=f"POST {at}",
        via="rest_passwordreset",
        **facts,
    )


def completed(at, user, **facts):
    facts |= {"via": "rest_passwordreset", "at": f"POST {at}"}
    return success("auth.password_reset.completed", user=user, **facts)


def refused(at):
    facts = {"reason": "invalid_link", "via": "rest_passwordreset", "at": f"POST {at}"}
    return failure("auth.password_reset.failure", **facts)


class TestRequest:
    def test_for_a_known_and_an_unknown_address_are_one_entry_each(self, client, base, bob, log):
        known = client.post(base, {"email": "BOB@example.org"})
        unknown = client.post(base, {"email": "nobody@example.org"})

        assert known.json() == unknown.json() == {"status": "OK"}
        assert log.new() == [requested(base, bob), requested(base, email="nobody@example.org")]

    def test_in_json_is_one_entry(self, client, base, bob, log):
        client.post(base, {"email": bob.email}, content_type="application/json")

        assert log.new() == [requested(base, bob)]

    def test_again_is_another_entry(self, client, base, bob, log):
        client.post(base, {"email": bob.email})
        client.post(base, {"email": bob.email})

        assert ResetPasswordToken.objects.count() == 1
        assert log.new() == [requested(base, bob)] * 2

    def test_for_an_unknown_address_that_is_an_error_is_the_same(
        self, client, base, show_unknown, log
    ):
        assert client.post(base, {"email": "nobody@example.org"}).status_code == 400

        assert log.new() == [requested(base, email="nobody@example.org")]

    @pytest.mark.parametrize("typed", ["", "not an address", ["bob@example.org"]])
    def test_for_no_address_is_nothing(self, client, base, show_unknown, log, typed):
        answer = client.post(base, {"email": typed}, content_type="application/json")

        assert answer.status_code == 400
        assert log.new() == []

    def test_whose_message_fails_says_so(self, client, base, bob, log):
        def unreachable(**kwargs):
            raise ConnectionError

        reset_password_token_created.connect(unreachable)
        try:
            assert client.post(base, {"email": bob.email}).status_code == 500
        finally:
            reset_password_token_created.disconnect(unreachable)

        assert log.new() == [requested(base, bob, failure)]

    def test_that_comes_too_often_is_rate_limited(self, client, base, bob, log, monkeypatch):
        monkeypatch.setattr(AnonRateThrottle, "THROTTLE_RATES", {"anon": "1/hour"})
        monkeypatch.setattr(
            "django_rest_passwordreset.views.get_password_reset_request_token_throttle_classes",
            lambda: [AnonRateThrottle],
        )
        client.post(base, {"email": bob.email})
        client.post(base, {"email": bob.email})

        assert [row["event"] for row in log.new()] == [
            "auth.password_reset.requested",
            "authz.rate_limited",
        ]

    def test_for_the_options_is_nothing(self, client, base, log):
        assert client.options(base).status_code == 200

        assert log.new() == []

    def test_for_what_may_be_a_password_is_masked(self, client, base, bob, log, monkeypatch):
        """A project may have put another field in the place of the address."""
        from django_rest_passwordreset.serializers import EmailSerializer
        from rest_framework.serializers import CharField

        monkeypatch.setitem(EmailSerializer._declared_fields, "email", CharField())
        client.post(base, {"email": "my password"})

        assert log.new() == [requested(base, email=MASK)]


class TestCompletion:
    def test_is_no_change_of_a_password_besides(self, client, base, bob, token, log):
        at = f"{base}confirm/"
        answer = client.post(at, {"token": token.key, "password": NEW})

        assert answer.status_code == 200
        assert log.new() == [completed(at, bob)]
        bob.refresh_from_db()
        assert bob.check_password(NEW)

    def test_by_who_is_signed_in_as_another_names_nobody(self, as_root, bob, token, log):
        """The package asks for no authentication."""
        at = "/resets/confirm/"
        as_root.post(at, {"token": token.key, "password": NEW})

        assert log.new() == [completed(at, bob)]

    def test_with_a_weak_password_is_nothing(self, client, base, token, log):
        answer = client.post(f"{base}confirm/", {"token": token.key, "password": "short"})

        assert answer.status_code == 400
        assert log.new() == []


class TestToken:
    def test_that_is_unknown_is_refused(self, client, base, bob, log):
        at = f"{base}confirm/"
        assert client.post(at, {"token": "unknown", "password": NEW}).status_code == 404

        assert log.new() == [refused(at)]

    def test_that_is_used_is_refused(self, client, base, token, log):
        at = f"{base}confirm/"
        client.post(at, {"token": token.key, "password": NEW})
        log.forget()
        client.post(at, {"token": token.key, "password": NEW})

        assert log.new() == [refused(at)]

    def test_that_is_expired_is_refused(self, client, base, token, log):
        ResetPasswordToken.objects.update(created_at=F("created_at") - timedelta(days=2))
        at = f"{base}confirm/"
        client.post(at, {"token": token.key, "password": NEW})

        assert log.new() == [refused(at)]

    def test_of_an_inactive_account_is_refused(self, client, base, bob, token, log):
        bob.is_active = False
        bob.save()
        log.forget()
        at = f"{base}confirm/"
        client.post(at, {"token": token.key, "password": NEW})

        assert log.new() == [refused(at)]

    def test_that_is_only_looked_at_is_refused_as_well(self, client, base, log):
        at = f"{base}validate_token/"
        assert client.post(at, {"token": "unknown"}).status_code == 404

        assert log.new() == [refused(at)]

    def test_that_is_good_and_only_looked_at_is_nothing(self, client, base, token, log):
        assert client.post(f"{base}validate_token/", {"token": token.key}).status_code == 200

        assert log.new() == []

    def test_that_is_missing_is_nothing(self, client, base, log):
        assert client.post(f"{base}confirm/", {}).status_code == 400

        assert log.new() == []


def test_another_view_changes_a_password(act, bob, log):
    def change(request):
        bob.set_password(NEW)
        bob.save()

    act(change)

    assert [row["event"] for row in log.new()] == ["auth.password.changed"]


def test_connecting_twice_records_nothing_twice(client, bob, token, log):
    sources.connect_all()
    client.post("/resets/", {"email": bob.email})
    client.post("/resets/confirm/", {"token": "unknown", "password": NEW})
    client.post("/resets/confirm/", {"token": token.key, "password": NEW})

    assert [row["event"] for row in log.new()] == [
        "auth.password_reset.requested",
        "auth.password_reset.failure",
        "auth.password_reset.completed",
    ]

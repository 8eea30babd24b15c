"""Social accounts of django-allauth: connected, disconnected, and sign-ins that fail."""

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.core import serializers
from django.db import transaction

from tests.sources.allauthed import BACKEND
from tests.sources.recorded import failure, success

pytest_plugins = ["tests.sources.allauth_fixtures"]

BEGIN, AUTHENTICATE = "/accounts/dummy/login/", "/accounts/dummy/authenticate/"
GITHUB, CALLBACK = "/accounts/github/login/", "/accounts/github/login/callback/"
CONNECTIONS, ADMIN = "/accounts/3rdparty/", "/admin/socialaccount/socialaccount/"
CODE = "a-code-of-the-provider"
DUMMY = {"provider": "dummy", "uid": "1234"}


def of(event, user, at, outcome=success, **facts):
    facts = {"actor": user, "via": "allauth", **facts}
    return outcome(event, user=user, at=f"POST {at}", **facts)


def signed_in(user):
    facts = {"backend": BACKEND, "method": "social", "provider": "dummy"}
    return of("auth.login.success", user, AUTHENTICATE, **facts)


def failed(at, provider="github", reason="unknown", user=None, **facts):
    facts = {"actor": user, "via": "allauth", "provider": provider, "reason": reason, **facts}
    return failure("auth.sso.failure", user=user, at=at, **facts)


def come_back(client, process="login", **facts):
    """Go to the provider, and come back from it."""
    answer = client.post(f"{BEGIN}?process={process}")
    return client.post(answer.headers["Location"], {"id": DUMMY["uid"], **facts})


def state_of(client):
    client.post(GITHUB)
    (state,) = client.session["socialaccount_states"]
    return state


@pytest.fixture
def account(bob, log):
    account = SocialAccount.objects.create(user=bob, **DUMMY)
    log.forget()
    return account


class TestLogin:
    def test_makes_an_account_and_the_connection_is_part_of_it(self, client, log):
        come_back(client, username="carol", email="carol@example.org")

        carol = get_user_model().objects.get()
        assert log.new() == [
            of("account.created", carol, AUTHENTICATE, actor=None, **DUMMY),
            signed_in(carol),
        ]

    def test_with_an_account_is_a_login_and_nothing_else(self, client, bob, account, log):
        come_back(client)

        assert log.new() == [signed_in(bob)]

    def test_into_an_inactive_account_is_a_failure(self, client, bob, account, log):
        get_user_model().objects.update(is_active=False)
        come_back(client)

        facts = {"actor": None, "method": "social", "reason": "inactive"}
        assert log.new() == [of("auth.login.failure", bob, AUTHENTICATE, failure, **facts)]

    def test_by_address_connects_and_takes_an_unproved_owners_password(
        self, client, bob, log, settings
    ):
        settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
        settings.SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
        EmailAddress.objects.create(user=bob, email=bob.email)
        come_back(client, email=bob.email, email_verified="on")

        at = f"POST {AUTHENTICATE}"
        assert log.new() == [
            success("auth.password.changed", user=bob, at=at, by="code", unusable=True),
            of("auth.social.connected", bob, AUTHENTICATE, actor=None, **DUMMY),
            signed_in(bob),
        ]


class TestConnection:
    def test_is_made_and_ended(self, as_bob, bob, log):
        come_back(as_bob, "connect")
        account = SocialAccount.objects.get()
        as_bob.post(CONNECTIONS, {"account": account.pk})

        assert log.new() == [
            of("auth.social.connected", bob, AUTHENTICATE, **DUMMY),
            of("auth.social.disconnected", bob, CONNECTIONS, **DUMMY),
        ]

    def test_that_is_there_is_nothing(self, as_bob, account, log):
        come_back(as_bob, "connect")

        assert log.new() == []

    def test_that_is_anothers_is_nothing(self, client, alice, account, log):
        client.force_login(alice)
        log.forget()
        come_back(client, "connect")

        assert log.new() == []

    def test_that_is_rolled_back_says_so(self, act, bob, log):
        def view(request):
            with transaction.atomic():
                SocialAccount.objects.create(user=bob, **DUMMY)
                transaction.set_rollback(True)

        act(view)

        facts = {"actor": None, "rolled_back": True, **DUMMY}
        assert log.new() == [of("auth.social.connected", bob, "/act/test/", failure, **facts)]

    def test_is_made_and_ended_in_the_admin(self, as_root, root, bob, log):
        form = {"user": bob.pk, "extra_data": '{"a": 1}', **DUMMY}
        as_root.post(f"{ADMIN}add/", form)
        chosen = [SocialAccount.objects.get().pk]
        form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        as_root.post(ADMIN, form)

        assert log.new() == [
            of("auth.social.connected", bob, f"{ADMIN}add/", actor=root, **DUMMY),
            of("auth.social.disconnected", bob, ADMIN, actor=root, **DUMMY),
        ]

    def test_goes_with_the_account_in_one_entry(self, as_root, root, bob, account, log):
        at = f"/admin/auth/user/{bob.pk}/delete/"
        deleted = success("account.deleted", user=bob, actor=root, at=f"POST {at}")
        as_root.post(at, {"post": "yes"})

        assert log.new() == [deleted]

    def test_that_a_fixture_holds_is_nothing(self, account, log):
        stored = serializers.serialize("json", [account])
        SocialAccount.objects.all()._raw_delete("default")
        for loaded in serializers.deserialize("json", stored):
            loaded.save()

        assert log.new() == []


class TestFailure:
    def test_is_recorded_when_the_user_gives_up(self, client, log):
        answer = client.post(BEGIN)
        client.post(answer.headers["Location"], {"action": "cancel"})

        assert log.new() == [failed(f"POST {AUTHENTICATE}", "dummy", "cancelled")]

    def test_to_connect_names_who_wanted_to(self, as_bob, bob, log):
        answer = as_bob.post(f"{BEGIN}?process=connect")
        as_bob.post(answer.headers["Location"], {"action": "cancel"})

        assert log.new() == [failed(f"POST {AUTHENTICATE}", "dummy", "cancelled", bob)]

    @pytest.mark.parametrize(
        ("error", "reason"), [("access_denied", "cancelled"), ("server_error", "unknown")]
    )
    def test_at_the_provider_is_one_entry(self, client, log, error, reason):
        client.get(CALLBACK, {"state": state_of(client), "error": error})

        assert log.new() == [failed(f"GET {CALLBACK}", reason=reason)]

    def test_with_a_state_that_is_not_ours_is_one_entry(self, client, log, secrets):
        secrets.learn(CODE)
        assert client.get(CALLBACK, {"state": "forged", "code": CODE}).status_code == 401

        assert log.new() == [failed(f"GET {CALLBACK}")]

    def test_on_the_way_to_the_provider_names_what_was_raised_and_not_its_words(
        self, client, log, secrets
    ):
        state = state_of(client)
        secrets.learn(CODE, state, "the-client-secret")
        answer = client.get(CALLBACK, {"state": state, "code": CODE})

        assert answer.status_code == 401
        assert client.session["provider_failed"]
        assert log.new() == [failed(f"GET {CALLBACK}", exception="ConnectionError")]

"""social-auth-app-django: one entry for each connection and for each sign-in that fails."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from social_core.pipeline import DEFAULT_AUTH_PIPELINE
from social_django.models import UserSocialAuth
from social_django.utils import load_backend, load_strategy

from tests.sources.provider import running_provider
from tests.sources.recorded import PASSWORD, failure, success

BACKEND = "tests.sources.harbour.Harbour"
BEGIN, COMPLETE = "/social/login/harbour/", "/social/complete/harbour/"
AT = f"GET {COMPLETE}"
CODE, TOKEN = "code-of-the-harbour", "access-token-of-the-harbour"
BOB = {"number": 17, "login": "bob", "email": "bob@example.org", "ssn": "078-05-1120"}
STEPS = "tests.sources.harbour"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def provider(settings, secrets):
    secrets.learn(CODE, TOKEN, BOB["ssn"], settings.SOCIAL_AUTH_HARBOUR_SECRET)
    with running_provider() as provider:
        settings.SOCIAL_AUTH_HARBOUR_URL = provider.url
        provider.answer("/token", {"access_token": TOKEN})
        provider.answer("/user", BOB)
        yield provider
        for _, sent in provider.asked:
            secrets.learn(sent.get("code_verifier"))


@pytest.fixture
def connected(bob, log):
    UserSocialAuth.objects.create(user=bob, provider="harbour", uid="17", id_key="number")
    log.forget()
    return bob


def begin(browser):
    """Go to the provider; return the state to come back with."""
    target = browser.post(BEGIN)["Location"]
    state = parse_qs(urlsplit(target).query)["state"][0]
    browser.secrets.learn(state)
    return state


def sign_in(browser, **sent):
    state = begin(browser)
    return browser.get(COMPLETE, {"state": state, "code": CODE, **sent})


def with_step(settings, name, at=-1):
    steps = list(DEFAULT_AUTH_PIPELINE)
    steps.insert(at if at >= 0 else len(steps), f"{STEPS}.{name}")
    settings.SOCIAL_AUTH_PIPELINE = steps


def signed_in(user):
    return success("auth.login.success", user=user, actor=user, at=AT, backend=BACKEND)


def failed(reason, user=None, at=AT, **facts):
    facts = {"via": "social_auth", "provider": "harbour", "reason": reason, **facts}
    return failure("auth.sso.failure", user=user, at=at, **facts)


def association(**facts):
    return {"via": "social_auth", "provider": "harbour", "uid": "17", **facts}


class TestConnection:
    def test_by_the_user_is_one_entry(self, as_bob, bob, provider, log):
        assert sign_in(as_bob).status_code == 302

        assert UserSocialAuth.objects.exists()
        facts = association()
        assert log.new() == [success("auth.social.connected", user=bob, actor=bob, at=AT, **facts)]

    def test_of_a_new_account_is_a_part_of_it(self, client, provider, log):
        assert sign_in(client).status_code == 302

        user = UserSocialAuth.objects.get().user
        created, login = log.new()
        facts = {"user": user, "actor": user, "at": AT}
        assert login == signed_in(user)
        assert created["event"] == "account.created"
        assert created["metadata"].items() >= association().items()
        assert facts["user"].username == "bob"

    def test_by_the_address_is_one_entry_and_a_login(self, client, bob, provider, log, settings):
        steps = list(DEFAULT_AUTH_PIPELINE)
        steps.insert(4, "social_core.pipeline.social_auth.associate_by_email")
        settings.SOCIAL_AUTH_PIPELINE = steps
        sign_in(client)

        entry = success("auth.social.connected", user=bob, at=AT, **association())
        assert log.new() == [entry, signed_in(bob)]

    def test_that_is_ended_is_one_entry(self, as_bob, connected, log):
        path = "/social/disconnect/harbour/"
        as_bob.post(path)

        assert not UserSocialAuth.objects.exists()
        facts = {"user": connected, "actor": connected, "at": f"POST {path}", **association()}
        assert log.new() == [success("auth.social.disconnected", **facts)]

    def test_that_is_the_only_way_in_may_not_be_ended(self, client, connected, log):
        connected.set_unusable_password()
        connected.save()
        client.force_login(connected)
        log.forget()
        path = "/social/disconnect/harbour/"
        client.post(path)

        assert UserSocialAuth.objects.exists()
        facts = {
            "via": "social_auth",
            "provider": "harbour",
            "reason": "disconnect_disallowed",
            "stage": "disconnect",
            "exception": "AuthPolicyError",
        }
        at = {"user": connected, "actor": connected, "at": f"POST {path}"}
        assert log.new() == [failure("auth.social.disconnected", **at, **facts)]

    def test_that_is_deleted_in_the_admin_is_by_the_admin(self, as_root, root, connected, log):
        path = f"/admin/social_django/usersocialauth/{UserSocialAuth.objects.get().pk}/delete/"
        as_root.post(path, {"post": "yes"})

        facts = {"user": connected, "actor": root, "at": f"POST {path}", **association()}
        assert log.new() == [success("auth.social.disconnected", **facts)]

    def test_that_is_ended_in_bulk_is_one_entry_each(self, connected, log):
        UserSocialAuth.objects.all().delete()

        facts = association()
        assert log.new() == [success("auth.social.disconnected", user=connected, **facts)]

    def test_that_goes_with_its_account_is_a_part_of_that(self, connected, log):
        connected.delete()

        assert [row["event"] for row in log.new()] == ["account.deleted"]

    def test_that_is_saved_again_is_nothing(self, connected, log):
        UserSocialAuth.objects.get().save()

        assert log.new() == []

    def test_that_belongs_to_another_is_refused(self, as_root, root, connected, provider, log):
        sign_in(as_root)

        facts = {"stage": "pipeline", "exception": "AuthAssociationError", "actor": root}
        assert log.new() == [failed("identity_in_use", root, **facts)]


class TestSignIn:
    def test_is_a_login(self, client, connected, provider, log):
        sign_in(client)

        assert log.new() == [signed_in(connected)]

    @pytest.mark.parametrize("shown", [True, False])
    def test_that_is_cancelled_is_one_failure(self, client, provider, log, settings, shown):
        if shown:
            # The middleware answers with a page, with or without a place to send the user to.
            settings.SOCIAL_AUTH_LOGIN_ERROR_URL = None
        state = begin(client)
        client.get(COMPLETE, {"state": state, "error": "access_denied"})

        facts = {"stage": "callback", "exception": "AuthCanceled"}
        assert log.new() == [failed("authorization_declined", **facts)]

    def test_that_is_cancelled_without_the_middleware_is_one_failure(
        self, client, provider, log, settings
    ):
        settings.MIDDLEWARE = settings.MIDDLEWARE[:-1]
        state = begin(client)
        answer = client.get(COMPLETE, {"state": state, "error": "access_denied"})

        assert answer.status_code == 500
        assert [row["metadata"]["reason"] for row in log.new()] == ["authorization_declined"]

    def test_with_a_state_of_another_session_is_one_failure(self, client, provider, log, secrets):
        secrets.learn("state-of-another-session")
        sign_in(client, state="state-of-another-session")

        [row] = log.new()
        assert row["event"] == "auth.sso.failure"
        assert row["metadata"]["reason"] in ("state_mismatch", "session_context_missing")

    @pytest.mark.parametrize(
        ("path", "body", "status", "reason"),
        [
            ("/token", {"error": "invalid_grant", "error_description": TOKEN}, 400, None),
            ("/token", "no json: " + TOKEN, 200, None),
            ("/user", {"error": TOKEN}, 500, None),
            ("/user", {"login": "bob", "email": ""}, 200, "missing_claim"),
        ],
    )
    def test_that_the_provider_refuses_is_one_failure(
        self, client, provider, log, path, body, status, reason
    ):
        provider.answer(path, body, status)
        sign_in(client)

        [row] = log.new()
        assert row["event"] == "auth.sso.failure"
        assert row["metadata"]["exception"].startswith("Auth")
        assert reason is None or row["metadata"]["reason"] == reason

    def test_to_a_provider_that_is_down_is_one_failure(self, client, provider, log, settings):
        state = begin(client)
        settings.SOCIAL_AUTH_HARBOUR_URL = "http://127.0.0.1:9"
        client.get(COMPLETE, {"state": state, "code": CODE})

        [row] = log.new()
        assert row["metadata"]["reason"] == "connection_failed"

    def test_that_cannot_be_begun_is_one_failure(self, client, provider, log, settings):
        settings.SOCIAL_AUTH_HARBOUR_STATE_LIFETIME = "long"
        client.post(BEGIN)

        [row] = log.new()
        assert row["metadata"]["stage"] == "begin"

    def test_of_an_inactive_account_names_it(self, client, connected, provider, log):
        connected.is_active = False
        connected.save()
        log.forget()
        sign_in(client)

        assert log.new() == [failed("inactive", connected)]

    def test_of_an_inactive_account_that_may_is_a_login(
        self, client, connected, provider, log, settings
    ):
        settings.SOCIAL_AUTH_ALLOW_INACTIVE_USERS_LOGIN = True
        connected.is_active = False
        connected.save()
        log.forget()
        sign_in(client)

        assert [row["event"] for row in log.new()] == ["auth.login.success"]

    @pytest.mark.parametrize(
        ("step", "expected"),
        [
            ("nobody", failed("refused")),
            ("denies", failed("refused")),
            (
                "refuses",
                failed("membership_required", stage="pipeline", exception="AuthPolicyError"),
            ),
            ("breaks", failed("error", exception="RuntimeError")),
        ],
    )
    def test_that_a_step_of_the_project_refuses_is_one_failure(
        self, client, connected, provider, log, settings, step, expected
    ):
        with_step(settings, step)
        sign_in(client)

        assert log.new() == [expected]

    def test_that_a_step_halts_is_nothing(self, client, connected, provider, log, settings):
        with_step(settings, "asks")
        assert sign_in(client).content == b"your name, please"

        assert log.new() == []

    def test_by_a_view_of_the_project_is_one_failure(
        self, act, connected, provider, log, settings
    ):
        """Such as an API's, which has the token already and leaves out the package's views."""
        with_step(settings, "nobody")

        def sign_in_by_token(request):
            strategy = load_strategy(request)
            backend = load_backend(strategy, "harbour", redirect_uri=None)
            assert backend.do_auth(TOKEN) is None

        act(sign_in_by_token)

        assert log.new() == [failed("refused", at="POST /act/test/")]

    def test_outside_a_request_is_one_failure(self, provider, connected, log, settings):
        with_step(settings, "nobody")
        backend = load_backend(load_strategy(), "harbour", redirect_uri=None)
        backend.do_auth(TOKEN)

        assert log.new() == [failed("refused", at="")]

    def test_by_password_stays_a_failed_login(self, client, bob, log):
        client.post("/login/", {"username": "bob", "password": PASSWORD + "!"})

        at = "POST /login/"
        assert log.new() == [
            failure("auth.login.failure", user=bob, at=at, reason="invalid_password")
        ]

"""dj-rest-auth over django-allauth: the same, where neither of them tells of it."""

import re

from django.contrib.auth import get_user_model
from django.core import mail
from rest_framework.authtoken.models import Token

from tests.sources.conftest import Browser
from tests.sources.recorded import NEW, PASSWORD, WRONG, failure, success

LINK = re.compile(r"/password/reset/(\w+)/([\w-]+)/")
RESET, CONFIRM = "/api/password/reset/", "/api/password/reset/confirm/"
LOGIN, LOGOUT = "/api/login/", "/api/logout/"


def requested(user=None, outcome=success, **facts):
    facts |= {"at": f"POST {RESET}", "via": "dj_rest_auth"}
    return outcome("auth.password_reset.requested", user=user, **facts)


def link(client, secrets, bob, log):
    client.post(RESET, {"email": bob.email})
    log.forget()
    uid, token = LINK.findall(mail.outbox[-1].body)[0]
    secrets.learn(token)
    return {"uid": uid, "token": token}


def confirm(client, **link):
    return client.post(CONFIRM, {**link, "new_password1": NEW, "new_password2": NEW})


def refused(user=None):
    facts = {"at": f"POST {CONFIRM}", "reason": "invalid_link", "via": "dj_rest_auth"}
    return failure("auth.password_reset.failure", user=user, **facts)


def test_a_request_for_a_reset_is_one_entry_whoever_it_is_for(client, bob, secrets, log):
    client.post(RESET, {"email": bob.email})
    client.post(RESET, {"email": "nobody@example.org"})

    assert log.new() == [requested(bob), requested(email="nobody@example.org")]
    secrets.learn(LINK.findall(mail.outbox[0].body)[0][1])


def test_a_request_whose_message_fails_says_so(client, bob, log, monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr("allauth.account.adapter.DefaultAccountAdapter.send_mail", unreachable)
    assert client.post(RESET, {"email": bob.email}).status_code == 500

    assert log.new() == [requested(bob, failure)]


def test_a_completed_reset_is_no_change_of_a_password_besides(client, bob, secrets, log):
    assert confirm(client, **link(client, secrets, bob, log)).status_code == 200

    facts = {"at": f"POST {CONFIRM}", "via": "dj_rest_auth"}
    assert log.new() == [success("auth.password_reset.completed", user=bob, **facts)]


def test_a_bad_link_names_whose_it_would_have_been(client, bob, secrets, log):
    good = link(client, secrets, bob, log)
    confirm(client, **{**good, "token": "bad"})
    confirm(client, uid="!", token="bad")

    assert log.new() == [refused(bob), refused()]


def test_a_login_and_a_logout_are_one_entry_each(client, bob, secrets, log):
    key = client.post(LOGIN, {"username": "bob", "password": PASSWORD}).json()["key"]
    secrets.learn(key)
    Browser(secrets).post(LOGOUT, headers={"authorization": f"Token {key}"})

    assert [(row["event"], row["user"], row["actor"]) for row in log.new()] == [
        ("auth.token.created", bob.pk, bob.pk),
        ("auth.login.success", bob.pk, bob.pk),
        ("auth.token.revoked", bob.pk, bob.pk),
        ("auth.logout", bob.pk, bob.pk),
    ]


def test_a_login_with_a_wrong_password_is_one_failure(client, bob, log):
    client.post(LOGIN, {"username": "bob", "password": WRONG})
    client.post(LOGIN, {"username": "nobody", "password": WRONG})

    assert [(row["event"], row["username"]) for row in log.new()] == [
        ("auth.login.failure", "bob"),
        ("auth.login.failure", "nobody"),
    ]


def test_a_login_before_the_address_is_verified_is_one_failure(client, bob, log, monkeypatch):
    monkeypatch.setattr(
        "allauth.account.app_settings.EMAIL_VERIFICATION", "mandatory", raising=False
    )
    answer = client.post(LOGIN, {"username": "bob", "password": PASSWORD})

    assert answer.json() == {"non_field_errors": ["E-mail is not verified."]}
    facts = {"reason": "not_permitted", "via": "dj_rest_auth", "at": f"POST {LOGIN}"}
    assert log.new() == [failure("auth.login.failure", user=bob, **facts)]


def test_a_connected_account_is_no_login(secrets, bob, log):
    key = Token.objects.create(user=bob).key
    secrets.learn(key)
    log.forget()
    answer = Browser(secrets).post("/api/connect/", headers={"authorization": f"Token {key}"})

    assert answer.json() == {"key": key}
    assert log.new() == []


def test_a_registration_is_one_account(client, secrets, log):
    typed = {"username": "carol", "email": "c@example.org", "password1": NEW, "password2": NEW}
    answer = client.post("/api/registration/", typed)
    secrets.learn(answer.json()["key"])

    carol = get_user_model().objects.get(username="carol")
    events = [(row["event"], row["user"]) for row in log.new()]
    assert events.count(("account.created", carol.pk)) == 1
    assert events.count(("auth.token.created", carol.pk)) == 1
    assert len(events) == len(set(events))

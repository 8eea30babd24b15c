"""Wagtail: its API tokens given, taken back and refused, and no token in the log."""

import pytest
from django.core.management import call_command
from django.db import connection
from wagtail.models import APIToken

from django_authaudit import sources
from tests.sources.recorded import MODEL_BACKEND, PASSWORD, WRONG, failure, success

ADMIN = "/cms/api-tokens/"
WHO = "/api/whoami/"
VIEW = "ninja.operation.sync_view_wrapper"


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def make(bob, log, secrets):
    """Return a function that makes a token of Bob's: the row, and what a client sends."""

    def run():
        row, token = APIToken.create_token(user=bob, name="feed")
        secrets.learn(token, token[12:], row.key_hash)
        log.forget()
        return row, token

    return run


def bearer(token):
    return {"authorization": f"Bearer {token}"}


def named(row):
    return {"via": "wagtail", "token_id": row.prefix, "name": "feed"}


def created(row, user, **facts):
    return success("auth.token.created", user=user, **named(row), **facts)


def revoked(row, user, **facts):
    return success("auth.token.revoked", user=user, **named(row), **facts)


def refused(reason, user=None, at=f"GET {WHO}", **facts):
    facts = {"via": "wagtail", "view": VIEW, "reason": reason, **facts}
    return failure("auth.token.failure", user=user, at=at, **facts)


class TestTokens:
    def test_made_and_revoked_in_the_cms_name_who_did_it(self, as_root, root, bob, log, secrets):
        answer = as_root.post(f"{ADMIN}new/", {"user": bob.pk, "name": "feed"})
        row = APIToken.objects.get()
        secrets.learn(answer.context_data["token"], row.key_hash)
        as_root.post(f"{ADMIN}edit/{row.pk}/", {"name": "feed"})
        as_root.post(f"{ADMIN}delete/{row.pk}/")

        assert log.new() == [
            created(row, bob, actor=root, at=f"POST {ADMIN}new/"),
            revoked(row, bob, actor=root, at=f"POST {ADMIN}delete/{row.pk}/"),
        ]

    def test_made_and_revoked_by_the_command_are_one_entry_each(self, bob, log, capsys, secrets):
        call_command("api_tokens", "create", user="bob", name="feed")
        row = APIToken.objects.get()
        secrets.learn(capsys.readouterr().out.strip(), row.key_hash)
        call_command("api_tokens", "revoke", id=row.pk)

        command = {"command": "api_tokens"}
        assert log.new() == [created(row, bob, **command), revoked(row, bob, **command)]

    def test_that_are_deleted_after_their_revocation_are_revoked_once(self, bob, make, log):
        row, _ = make()
        row.revoke()
        row.delete()

        assert log.new() == [revoked(row, bob)]

    def test_that_go_with_their_account_are_part_of_that(self, bob, make, log):
        make()
        bob.delete()

        assert [row["event"] for row in log.new()] == ["account.deleted"]

    def test_that_are_used_are_nothing(self, client, make, log):
        row, token = make()
        assert client.get(WHO, headers=bearer(token)).status_code == 200

        row.refresh_from_db()
        assert row.last_used_at is not None
        assert log.new() == []


class TestRefusal:
    def test_of_what_is_no_token_is_a_token_failure(self, client, log):
        assert client.get(WHO, headers=bearer(WRONG)).status_code == 401
        client.get(WHO, headers=bearer("two words"))
        client.get(WHO, headers=bearer(f"wagtail_{WRONG}"))

        assert log.new() == [refused("malformed")] * 3

    def test_of_an_unknown_token_is_a_token_failure(self, client, log, secrets):
        token = APIToken.generate_token()
        secrets.learn(token[12:])
        client.get(WHO, headers=bearer(token))

        assert log.new() == [refused("unknown", token_id=token[:12])]

    def test_of_a_revoked_token_names_its_owner(self, client, bob, make, log):
        row, token = make()
        row.revoke()
        log.forget()
        client.get(WHO, headers=bearer(token))

        facts = {"token_id": row.prefix, "name": "feed"}
        assert log.new() == [refused("revoked", bob, **facts)]

    def test_of_the_token_of_an_inactive_account_says_so(self, client, bob, make, log):
        row, token = make()
        bob.is_active = False
        bob.save()
        log.forget()
        client.get(WHO, headers=bearer(token))

        facts = {"token_id": row.prefix, "name": "feed"}
        assert log.new() == [refused("inactive", bob, **facts)]

    def test_by_an_api_of_the_project_names_the_owner(self, client, bob, make, log):
        row, token = make()
        client.get("/own/strict/", headers=bearer(token))
        client.get("/own/strict/", headers=bearer(WRONG))

        at = "GET /own/strict/"
        facts = {"token_id": row.prefix, "name": "feed"}
        # Nothing shows that the second was meant to be one of Wagtail's.
        assert log.new() == [
            refused("refused", bob, at, actor=bob, **facts),
            failure("authz.unauthenticated", at=at, view=VIEW),
        ]

    def test_without_a_token_is_unauthenticated(self, client, log):
        client.get(WHO)
        client.get("/nowhere/", headers=bearer(WRONG))

        assert log.new() == [failure("authz.unauthenticated", at=f"GET {WHO}", view=VIEW)]


def test_signing_in_and_out_of_the_cms_is_djangos(client, root, log):
    client.post("/cms/login/", {"username": "root", "password": WRONG})
    client.post("/cms/login/", {"username": "root", "password": PASSWORD})
    client.post("/cms/logout/")

    by = {"user": root, "actor": root}
    assert log.new() == [
        failure("auth.login.failure", user=root, at="POST /cms/login/", reason="invalid_password"),
        success("auth.login.success", **by, at="POST /cms/login/", backend=MODEL_BACKEND),
        success("auth.logout", **by, at="POST /cms/logout/"),
    ]


def test_a_wagtail_without_tokens_is_left_alone(monkeypatch):
    from django.apps import apps

    monkeypatch.delitem(apps.get_app_config("wagtailcore").models, "apitoken")

    assert not sources.discover()["wagtail_tokens"].available

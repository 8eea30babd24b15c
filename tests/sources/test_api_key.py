"""djangorestframework-api-key: keys given, taken back and refused, and never the key itself."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.db import connection
from django.db.models import Value
from django.utils import timezone
from rest_framework_api_key.models import APIKey

from django_authaudit.cleaning import MASK
from tests.sources.conftest import Browser
from tests.sources.recorded import WRONG, failure, success
from tests.token_owners.models import MachineKey, NotedKey, PersonalKey

ADMIN = "/admin/rest_framework_api_key/apikey/"
VIEWS = "tests.sources.urls_api_key"
YESTERDAY, TOMORROW = timedelta(days=-1), timedelta(days=1)


@pytest.fixture(autouse=True, params=[False, True], ids=["plain", "atomic"])
def atomic(request, monkeypatch):
    """With ATOMIC_REQUESTS the framework rolls back whatever it refuses."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def make(log, secrets):
    """Return a function that makes a key: the row, and what a client sends."""

    def run(model=APIKey, **facts):
        row, key = model.objects.create_key(name="till", **facts)
        secrets.learn(key, row.pk, row.hashed_key, key.partition(".")[2])
        log.forget()
        return row, key

    return run


def sent(key, scheme="Api-Key"):
    return {"authorization": f"{scheme} {key}"}


def created(row, user=None, **facts):
    facts = {"via": "api_key", "token_id": row.prefix, "name": "till", **facts}
    return success("auth.token.created", user=user, **facts)


def revoked(row, user=None, **facts):
    facts = {"via": "api_key", "token_id": row.prefix, "name": "till", **facts}
    return success("auth.token.revoked", user=user, **facts)


def refused(reason, row=None, event="auth.token.failure", view="Open", user=None, **facts):
    if row is not None:
        facts = {"token_id": row.prefix, "name": "till", **facts}
    if reason:
        facts["reason"] = reason
    path = facts.pop("path", f"/{view.lower()}/")
    facts = {"code": "permission_denied", "via": "api_key", "view": f"{VIEWS}.{view}", **facts}
    return failure(event, user=user, at=f"GET {path}", **facts)


class TestKeys:
    def test_made_and_revoked_in_the_admin_name_who_did_it(self, as_root, root, log, secrets):
        as_root.post(f"{ADMIN}add/", {"name": "till"})
        row = APIKey.objects.get()
        secrets.learn(row.pk, row.hashed_key)
        path = f"{ADMIN}{row.prefix}.{row.hashed_key.replace('$', '_24')}/change/"
        secrets.learn(path)
        as_root.post(path, {"name": "till", "revoked": "on"})

        masked = f"POST {ADMIN}{row.prefix}.{MASK}/change/"
        assert log.new() == [
            created(row, actor=root, at=f"POST {ADMIN}add/"),
            revoked(row, actor=root, at=masked),
        ]

    @pytest.mark.parametrize("change", [{"revoked": True}, {"expiry_date": YESTERDAY}])
    def test_that_are_no_longer_taken_are_revoked_once(self, make, log, change):
        row, _ = make()
        change = {name: _time(value) for name, value in change.items()}
        for name, value in {**change, "name": "till"}.items():
            setattr(row, name, value)
            row.save()
        row.delete()

        assert log.new() == [revoked(row)]

    def test_that_are_taken_again_are_created_once_more(self, make, log):
        row, _ = make(expiry_date=_time(YESTERDAY))
        row.expiry_date = _time(TOMORROW)
        row.save(update_fields=["expiry_date"])

        assert log.new() == [created(row, reason="restored")]

    def test_whose_end_is_only_moved_are_nothing(self, make, log):
        row, _ = make(expiry_date=_time(TOMORROW))
        row.expiry_date = None
        row.name = "another"
        row.save()

        assert log.new() == []

    def test_revoked_by_an_expression_are_revoked(self, make, log):
        row, _ = make()
        row.revoked = Value(True)
        row.save()

        assert log.new() == [revoked(row)]

    def test_deleted_are_revoked(self, make, log):
        row, _ = make()
        APIKey.objects.all().delete()

        assert log.new() == [revoked(row)]

    def test_of_two_tables_are_one_key(self, make, log):
        row, _ = make(NotedKey, note="in the drawer")
        row.revoked = True
        row.save()
        row.delete()

        assert log.new() == [revoked(row)]

    def test_of_two_tables_are_one_key_when_deleted(self, make, log):
        row, _ = make(NotedKey, note="in the drawer")
        NotedKey.objects.all().delete()

        assert log.new() == [revoked(row)]

    def test_of_a_model_of_the_project_name_their_owner(self, make, bob, log):
        row, _ = make(PersonalKey, user=bob)
        row.revoked = True
        row.save()

        assert log.new() == [revoked(row, bob)]

    def test_whose_user_is_no_account_name_none(self, make, log):
        row, _ = make(MachineKey, user="the till")
        row.user = "the other till"
        row.save()
        row.delete()

        assert log.new() == [revoked(row)]

    def test_that_an_owner_loses_to_another_are_revoked_and_created(self, make, bob, alice, log):
        row, _ = make(PersonalKey, user=bob)
        row.user = alice
        row.save()

        moved = {"reason": "owner_changed"}
        assert log.new() == [revoked(row, bob, **moved), created(row, alice, **moved)]

    def test_that_go_with_their_account_are_part_of_that(self, make, bob, log):
        make(PersonalKey, user=bob)
        bob.delete()

        assert [row["event"] for row in log.new()] == ["account.deleted"]

    def test_that_are_used_are_nothing(self, client, make, log):
        _, key = make()
        assert client.get("/open/", headers=sent(key)).status_code == 200

        assert log.new() == []

    def test_hashed_anew_by_being_used_are_nothing(self, client, make, log, secrets):
        row, key = make()
        APIKey.objects.update(hashed_key=make_password(key))
        client.get("/open/", headers=sent(key))
        row.refresh_from_db()
        secrets.learn(row.hashed_key)

        assert row.hashed_key.startswith("sha512$$")
        assert log.new() == []


class TestRefusal:
    def test_of_a_key_that_nobody_has_is_a_token_failure(self, client, make, log):
        row, _ = make()
        for key in (WRONG, f"{row.prefix}.{'x' * 32}", "Abcd1234." + "y" * 32, "caf\u00e9"):
            assert client.get("/open/", headers=sent(key)).status_code == 403

        assert log.new() == [
            refused("unknown"),
            refused("unknown", token_id=row.prefix),
            refused("unknown", token_id="Abcd1234"),
            refused("unknown"),
        ]

    def test_of_a_revoked_or_expired_key_says_which(self, client, make, log):
        (old, old_key), (late, late_key) = make(revoked=True), make(expiry_date=_time(YESTERDAY))
        client.get("/open/", headers=sent(old_key))
        client.get("/open/", headers=sent(late_key))

        assert log.new() == [refused("revoked", old), refused("expired", late)]

    def test_where_accounts_are_known_too_is_a_token_failure(self, client, log):
        assert client.get("/key/", headers=sent(WRONG)).status_code == 403

        code = {"code": "not_authenticated", "path": "/key/"}
        assert log.new() == [refused("unknown", view="View", **code)]

    def test_of_a_key_that_is_one_way_of_many_is_a_token_failure(self, client, log):
        client.get("/either/", headers=sent(WRONG))

        assert log.new() == [refused("unknown", view="Either", code="not_authenticated")]

    def test_of_the_key_of_an_account_names_it(self, client, make, bob, log):
        row, key = make(PersonalKey, user=bob, revoked=True)
        client.get("/personal/", headers=sent(key, "Bearer"))

        facts = {"user": bob, "view": "Personal", "code": "not_authenticated"}
        assert log.new() == [refused("revoked", row, **facts)]

    def test_without_a_key_is_what_it_is_without_this_package(self, client, as_bob, bob, log):
        client.get("/key/")
        as_bob.get("/key/")
        client.get("/open/")

        view = {"view": f"{VIEWS}.View", "at": "GET /key/"}
        assert log.new() == [
            failure("authz.unauthenticated", code="not_authenticated", **view),
            failure("authz.forbidden", user=bob, actor=bob, code="permission_denied", **view),
            failure(
                "authz.forbidden",
                code="permission_denied",
                view=f"{VIEWS}.Open",
                at="GET /open/",
            ),
        ]

    def test_for_something_else_than_a_good_key_stays_what_it_is(
        self, client, as_bob, bob, make, log
    ):
        row, key = make()
        client.get("/both/", headers=sent(key))
        client.get("/both-open/", headers=sent(key))
        as_bob.get("/both/", headers=sent(key))

        both = {"view": "Both", "path": "/both/"}
        assert log.new() == [
            refused("", row, "authz.unauthenticated", code="not_authenticated", **both),
            refused("", row, "authz.forbidden", view="BothOpen", path="/both-open/"),
            refused("", row, "authz.forbidden", user=bob, actor=bob, **both),
        ]

    def test_by_an_authentication_is_that_ones(self, client, make, log, settings):
        settings.API_KEY_CUSTOM_HEADER = "HTTP_X_API_KEY"
        headers = {"authorization": f"Token {WRONG} {WRONG}", "x-api-key": WRONG}
        assert client.get("/by-token/", headers=headers).status_code == 401

        (entry,) = log.new()
        assert entry["event"] == "auth.token.failure"
        assert entry["metadata"]["via"] == "rest_framework"

    def test_by_the_csrf_check_is_that(self, secrets, bob, log):
        strict = Browser(secrets, enforce_csrf_checks=True)
        strict.force_login(bob)
        log.forget()
        assert strict.post("/key/", headers=sent(WRONG)).status_code == 403

        (entry,) = log.new()
        assert entry["event"] == "authz.csrf_rejected"


def _time(value):
    return timezone.now() + value if isinstance(value, timedelta) else value

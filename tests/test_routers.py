"""A log in a database of its own, end to end."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import connections, router, transaction

from django_authaudit import record
from django_authaudit.models import AuditLog
from django_authaudit.routers import AuditRouter
from django_authaudit.sinks.database import write_alias

ROUTER = "django_authaudit.routers.AuditRouter"
pytestmark = pytest.mark.django_db(databases=["default", "audit"])


@pytest.fixture
def audit(settings):
    settings.AUTHAUDIT_DATABASE = "audit"
    settings.DATABASE_ROUTERS = [ROUTER]


@pytest.fixture
def bob(audit):
    return User.objects.create_user("bob", "bob@example.com", "right")


def stored(alias):
    return list(AuditLog.objects.using(alias).order_by("id").values_list("event", flat=True))


def sign_in(client, password="right"):
    return client.post("/login/", {"username": "bob", "password": password})


def test_a_login_is_recorded_in_the_database_of_the_log(client, bob):
    sign_in(client)

    assert stored("audit") == ["account.created", "auth.login.success"]
    assert stored("default") == []


def test_the_log_is_read_where_it_is_written(client, bob):
    sign_in(client, "wrong")

    entry = AuditLog.objects.failed().for_user(bob).get()

    assert entry._state.db == "audit"
    assert entry.metadata["reason"] == "invalid_password"


def test_the_table_is_written_pruned_and_looked_at_by_one_alias(audit):
    assert {router.db_for_read(AuditLog), router.db_for_write(AuditLog), write_alias()} == {
        "audit"
    }


def test_accounts_are_found_in_their_own_database(client, bob):
    sign_in(client)

    entry = AuditLog.objects.of_event("auth.login.success").get()

    assert (entry.user, entry.user._state.db) == (bob, "default")
    entries = AuditLog.objects.prefetch_related("user", "actor")
    assert {entry.user for entry in entries} == {bob}


def test_an_entry_may_name_an_account_of_another_database(bob):
    assert AuditLog(user=bob).user == bob
    row = AuditLog.objects.using("audit").first()
    row.user = bob
    assert row.user == bob


def test_the_account_of_the_entry_may_live_where_another_router_says(audit, settings):
    settings.DATABASE_ROUTERS = [ROUTER, f"{__name__}.AccountsElsewhere"]
    entry = AuditLog()
    entry._state.db = "audit"

    assert router.db_for_read(User, instance=entry) == "accounts"
    assert router.db_for_read(User) == "accounts"


class AccountsElsewhere:
    """A project's own router."""

    def db_for_read(self, model, **hints):
        return "accounts" if model is User else None


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_refusal_outlives_the_rollback_of_its_request(atomic_requests, act, client, bob):
    def view(request):
        sign_in(client, "wrong")
        bob.groups.add(Group.objects.create(name="editors"))
        raise PermissionDenied

    act(view)

    found = AuditLog.objects.order_by("id").exclude(event="account.created")
    assert [(row.event, row.outcome, row.metadata.get("rolled_back", False)) for row in found] == [
        ("auth.login.failure", "failure", False),
        ("authz.group.created", "failure", True),
        ("authz.role.granted", "failure", True),
        ("authz.forbidden", "failure", False),
    ]
    assert stored("default") == []


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_login_is_recorded_with_atomic_requests(atomic_requests, client, bob):
    sign_in(client)

    assert stored("audit") == ["account.created", "auth.login.success"]


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_change_without_request_is_recorded_when_its_own_database_commits(bob):
    with transaction.atomic():
        bob.is_staff = True
        bob.save()
        assert stored("audit") == ["account.created"]

    assert stored("audit") == ["account.created", "authz.role.granted"]


@pytest.mark.django_db(databases=["default", "audit"], transaction=True)
def test_a_fact_does_not_wait_for_a_transaction_of_another_database(audit):
    with transaction.atomic():
        record("auth.logout", username="bob")

        assert stored("audit") == ["auth.logout"]


@pytest.mark.usefixtures("audit")
def test_tables_of_the_log_are_made_in_its_database_alone():
    assert router.allow_migrate("audit", "django_authaudit")
    assert not router.allow_migrate("default", "django_authaudit")
    assert router.allow_migrate_model("audit", AuditLog)
    assert not router.allow_migrate_model("default", AuditLog)


@pytest.mark.usefixtures("audit")
def test_nothing_is_said_of_other_apps():
    bob, alice = User(), User()

    assert AuditRouter().db_for_read(User) is None
    assert AuditRouter().db_for_read(User, instance=bob) is None
    assert AuditRouter().db_for_write(User) is None
    assert AuditRouter().allow_relation(bob, alice) is None
    assert AuditRouter().allow_migrate("audit", "auth") is None
    assert AuditRouter().allow_migrate("default", "auth") is None


@pytest.mark.parametrize("alias", [None, "audti", ["audit"]])
def test_without_a_database_of_its_own_nothing_is_said_at_all(settings, alias):
    settings.AUTHAUDIT_DATABASE = alias
    entry = AuditLog()

    assert AuditRouter().db_for_read(AuditLog) is None
    assert AuditRouter().db_for_write(AuditLog) is None
    assert AuditRouter().db_for_read(User, instance=entry) is None
    assert AuditRouter().allow_relation(entry, User()) is None
    assert AuditRouter().allow_migrate("default", "django_authaudit") is None


def test_an_alias_with_a_typo_costs_no_entry(client, bob, settings):
    settings.AUTHAUDIT_DATABASE = "audti"
    sign_in(client)

    assert stored("default") == ["auth.login.success"]


def test_both_databases_are_there():
    assert {"default", "audit"} <= set(connections)

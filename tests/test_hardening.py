"""Triggers: the database itself refuses to change the log, whoever asks, but for this app."""

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import QuerySet
from django.test import TransactionTestCase

from django_authaudit import hardening, record, retention
from django_authaudit.hardening import HardeningError, disable, enable, gaps, permitted
from django_authaudit.models import AuditHold, AuditLog, AuditSeal, SealedRun
from tests.management.rows import days_ago, store
from tests.test_docs_examples import blocks

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "django_authaudit_auditlog"
COLUMNS = ", ".join(str(field.column) for field in AuditLog._meta.concrete_fields)
AGAIN = f"INTO {TABLE} ({COLUMNS}) SELECT {COLUMNS} FROM {TABLE}"
REFUSED = {
    "sqlite": (f"INSERT OR REPLACE {AGAIN}",),
    "postgresql": (
        f"TRUNCATE {TABLE}",
        f"INSERT {AGAIN} ON CONFLICT (id) DO UPDATE SET username = 'someone else'",
    ),
    "mysql": (f"TRUNCATE {TABLE}", f"REPLACE {AGAIN}"),
}
OPERATIONS = {
    "sqlite": ["UPDATE", "DELETE", "REPLACE"],
    "postgresql": ["UPDATE", "DELETE", "TRUNCATE"],
    "mysql": ["UPDATE", "DELETE", "TRUNCATE"],
}


def execute(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def own_events():
    return [row.event for row in AuditLog.objects.filter(event__startswith="audit.hard")]


@pytest.fixture
def hardened():
    enable("default")
    yield
    disable("default")


@pytest.fixture
def refused(hardened):
    """Return a function that has a statement be refused, and sees that all is as it was."""
    record("auth.login.success", username="ada")
    before = list(AuditLog.objects.order_by("pk").values())

    def check(statement):
        with pytest.raises(DatabaseError, match=r"only grows|foreign key"), transaction.atomic():
            execute(statement)
        assert list(AuditLog.objects.order_by("pk").values()) == before

    return check


def test_changing_an_entry_is_refused(refused):
    refused(f"UPDATE {TABLE} SET username = 'someone else'")


def test_deleting_an_entry_is_refused(refused):
    refused(f"DELETE FROM {TABLE} WHERE username = 'ada'")


def test_deleting_all_is_refused(refused):
    refused(f"DELETE FROM {TABLE}")


def test_every_other_way_to_get_rid_of_a_row_is_refused(refused):
    for statement in REFUSED[connection.vendor]:
        refused(statement)


def test_code_that_goes_round_the_model_is_refused(hardened):
    store(2, days_ago(1))

    for work in (
        lambda: QuerySet.update(AuditLog.objects.all(), username="someone else"),
        lambda: AuditLog.objects.all()._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="only grows"):
            work()


def test_events_are_recorded_as_ever(hardened, client):
    client.post("/login/", {"username": "ada", "password": "wrong"})

    assert AuditLog.objects.filter(event="auth.login.failure").count() == 1


def test_pruning_passes_and_leaves_the_door_shut(hardened):
    store(3, days_ago(100))
    store(1, days_ago(1))

    assert [batch.count for batch in retention.prune(days_ago(90), batch_size=2)] == [2, 1]

    with pytest.raises(DatabaseError, match="only grows"):
        AuditLog.objects.all()._raw_delete("default")
    assert AuditLog.objects.filter(event="auth.logout").count() == 1


def test_what_is_permitted_is_permitted_alone(hardened):
    record("auth.login.success", username="ada")

    for permit, statement in (
        ("UPDATE", f"DELETE FROM {TABLE}"),
        ("DELETE", f"UPDATE {TABLE} SET username = 'someone else'"),
    ):
        with (
            pytest.raises(DatabaseError, match="only grows"),
            transaction.atomic(),
            permitted(permit, "default"),
        ):
            execute(statement)
    with transaction.atomic(), permitted("UPDATE", "default"):
        execute(f"UPDATE {TABLE} SET username = '' WHERE username = 'ada'")
    assert not AuditLog.objects.filter(username="ada").exists()


def test_a_permit_ends_with_its_block_though_the_transaction_goes_on(hardened):
    store(2, days_ago(1))

    with pytest.raises(DatabaseError, match="only grows"), transaction.atomic():
        with permitted("DELETE", "default"):
            pass
        execute(f"DELETE FROM {TABLE}")


def test_a_permit_ends_when_the_work_fails(hardened):
    store(2, days_ago(1))

    with pytest.raises(ZeroDivisionError), transaction.atomic(), permitted("DELETE", "default"):
        execute(f"DELETE FROM {TABLE}")
        raise ZeroDivisionError
    with pytest.raises(DatabaseError, match="only grows"):
        execute(f"DELETE FROM {TABLE}")
    assert AuditLog.objects.filter(event="auth.logout").count() == 2


def test_without_triggers_everything_is_as_it_was():
    store(2, days_ago(1))

    with transaction.atomic(), permitted("DELETE", "default"):
        execute(f"DELETE FROM {TABLE}")

    assert AuditLog.objects.count() == 0


def test_an_account_can_be_deleted_though_the_log_names_it(hardened, django_user_model):
    ann = django_user_model.objects.create_user("ann", password="right")

    ann.delete()

    assert AuditLog.objects.filter(event="account.deleted", username="ann").count() == 1


# --- on and off


def test_enabling_twice_and_disabling_twice_do_no_harm_and_are_told_once():
    for _ in range(2):
        enable("default")
    assert gaps("default") == []
    for _ in range(2):
        disable("default")

    tables = [model._meta.db_table for model in (AuditLog, AuditHold, AuditSeal, SealedRun)]
    operations = OPERATIONS[connection.vendor]
    assert gaps("default") == [(each, table) for table in tables for each in operations]
    assert own_events() == ["audit.hardening_enabled", "audit.hardening_disabled"]


def test_a_trigger_that_is_gone_is_missed_and_made_again(hardened):
    on_table = f" ON {TABLE}" if connection.vendor == "postgresql" else ""
    execute(f"DROP TRIGGER {TABLE}_no_delete{on_table}")

    assert gaps("default") == [("DELETE", TABLE)]
    enable("default")
    assert gaps("default") == []


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_trigger_that_is_switched_off_counts_as_gone(hardened):
    execute(f"ALTER TABLE {TABLE} DISABLE TRIGGER {TABLE}_no_update")

    assert gaps("default") == [("UPDATE", TABLE)]


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_partition_is_protected_with_its_table():
    execute("CREATE TABLE parted (id uuid NOT NULL, username text) PARTITION BY RANGE (id)")
    try:
        guard = hardening._guard("default")
        guard.create("parted", "id")
        execute("CREATE TABLE part PARTITION OF parted DEFAULT")
        execute("INSERT INTO parted VALUES (gen_random_uuid(), 'ada')")

        for statement in ("DELETE FROM part", "UPDATE part SET username = ''"):
            with pytest.raises(DatabaseError, match="only grows"):
                execute(statement)
    finally:
        execute("DROP TABLE parted")


@pytest.mark.skipif("connection.vendor != 'postgresql'")
def test_a_table_without_rows_may_be_emptied(hardened):
    with transaction.atomic(), permitted("DELETE", "default"):
        execute(f"DELETE FROM {TABLE}")

    call_command("flush", interactive=False, verbosity=0)


def test_a_database_without_such_triggers_is_refused(monkeypatch):
    monkeypatch.setattr(connection, "vendor", "oracle", raising=False)

    for work in (enable, disable, gaps):
        with pytest.raises(HardeningError, match="no triggers for oracle"):
            work("default")
    with permitted("DELETE", "default"):
        pass


# --- what the documentation says of it


class LogIsLeftAlone(TransactionTestCase):
    """The documented way for a project's own tests: the tables are emptied after it as ever."""

    def setUp(self):
        call_command("harden_audit_log", "--enable", verbosity=0)
        self.addCleanup(call_command, "harden_audit_log", "--disable", verbosity=0)

    def test_the_log_is_append_only_meanwhile(self):
        record("auth.logout")

        with self.assertRaisesMessage(DatabaseError, "only grows"):
            execute(f"DELETE FROM {TABLE}")


@pytest.fixture
def site_audit():
    """Be the user whose rights the documentation gives."""
    owner, name = connection.settings_dict, connection.settings_dict["NAME"]
    user = f"{name}_site"
    language = {"postgresql": "CREATE ROLE", "mysql": "CREATE USER"}[connection.vendor]
    (recipe,) = [block.text for block in blocks("append-only") if block.text.startswith(language)]
    recipe = recipe.replace("site_audit", user).replace("audit.*", f"{name}.*")
    for statement in filter(str.strip, recipe.split(";")):
        execute(statement)
    connection.close()
    connection.settings_dict = {**owner, "USER": user, "PASSWORD": "secret"}
    yield
    connection.close()
    connection.settings_dict = owner
    if connection.vendor == "postgresql":
        execute(f"DROP OWNED BY {user}")
        execute(f"DROP ROLE {user}")
    else:
        execute(f"DROP USER {user}")


@pytest.mark.skipif("connection.vendor == 'sqlite'")
def test_the_documented_user_can_record_and_read_and_nothing_else(site_audit):
    record("auth.login.success", username="ada")

    assert AuditLog.objects.get().username == "ada"
    for statement in (
        f"UPDATE {TABLE} SET username = ''",
        f"DELETE FROM {TABLE}",
        f"TRUNCATE {TABLE}",
        f"DROP TABLE {TABLE}",
    ):
        with pytest.raises(DatabaseError, match=r"denied|must be owner"):
            execute(statement)

"""`harden_audit_log` as people and cron run it: what it prints, and its exit status."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from django_authaudit import hardening
from django_authaudit.models import AuditLog
from tests.management.test_prune_audit_log import ELSEWHERE


def harden(*arguments, **options):
    out = io.StringIO()
    call_command("harden_audit_log", *arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def soft_again(transactional_db):
    yield
    hardening.disable("default")


def test_it_says_what_has_become_of_the_log(soft_again):
    assert harden("--enable") == "The audit log in the database 'default' is append-only.\n"
    assert harden("--status") == "The audit log in the database 'default' is append-only.\n"
    assert harden("--disable") == "The audit log in the database 'default' can be changed.\n"


def test_a_status_of_one_says_what_is_not_refused(transactional_db):
    with pytest.raises(CommandError) as found:
        harden("--status")

    assert found.value.returncode == 1
    assert str(found.value).startswith(
        "The database 'default' does not refuse UPDATE on django_authaudit_auditlog, DELETE on "
    )


def test_what_happens_to_the_protection_is_recorded(soft_again):
    harden("--enable", verbosity=0)
    harden("--disable", verbosity=0)

    found = AuditLog.objects.filter(event__startswith="audit.").order_by("pk")
    assert [(row.event, row.metadata) for row in found] == [
        (f"audit.hardening_{word}", {"command": "harden_audit_log", "database": "default"})
        for word in ("enabled", "disabled")
    ]


def test_it_is_silent_when_asked_to_be(soft_again):
    assert harden("--enable", verbosity=0) == ""


def test_the_exit_status_reaches_the_shell(project):
    assert project.run("harden_audit_log", "--status")[0] == 1
    try:
        assert project.run("harden_audit_log", "--enable")[0] == 0
        assert project.run("harden_audit_log", "--status")[0] == 0
    finally:
        assert project.run("harden_audit_log", "--disable")[0] == 0
    assert project.run("harden_audit_log")[0] == 2
    assert project.run("harden_audit_log", "--enable", "--disable")[0] == 2


def test_a_database_that_does_not_answer_is_status_two(project):
    environment, message = ELSEWHERE[connection.vendor]

    status, out, err = project.run("harden_audit_log", "--enable", **environment)

    assert (status, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1

"""The account behind what was typed is found by an index, with the same work for every name."""

import re

import pytest
from django.contrib.auth.models import User, UserManager
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from django_authaudit import lookups
from tests.users.models import Customer

pytestmark = pytest.mark.django_db
ODD = "DOMAIN/bob"


@pytest.fixture(autouse=True)
def forget_statements():
    lookups._statement.cache_clear()
    yield
    lookups._statement.cache_clear()


@pytest.fixture
def bob():
    return User.objects.create_user("bob", "bob@example.org", "right")


@pytest.fixture
def managed(monkeypatch):
    """Return a function that gives the user model another manager."""

    def manage(manager):
        manager.model = User
        monkeypatch.setitem(vars(User._meta), "default_manager", manager)

    return manage


def queries_of(*typed):
    with CaptureQueriesContext(connection) as queries:
        lookups.find_account(*typed)
    asked = [query["sql"].replace(typed[0], "?") for query in queries]
    return [sql for sql in asked if "SAVEPOINT" not in sql]


class AnyCase(UserManager):
    def get_by_natural_key(self, username):
        return self.get(username__iexact=username)


class Staff(UserManager):
    def get_queryset(self):
        return super().get_queryset().filter(is_staff=True)


class StaffQuerySet(models.QuerySet):
    def get(self, *args, **kwargs):
        return super().get(*args, is_staff=True, **kwargs)


class LowerField(models.CharField):
    def get_prep_value(self, value):
        return super().get_prep_value(value).lower()


def test_every_name_is_the_same_work(bob):
    User.objects.create_user(ODD)
    User.objects.create_user("carol", is_active=False)
    User.objects.create_user("dave", "bob@example.org")
    typed = ["bob", ODD, "carol", "nobody", "is it my password?", "bob@example.org"]
    first, *others = [queries_of(name) for name in typed]

    assert len(first) == 1
    assert others == [first] * 5
    assert [len(queries_of(name, name)) for name in typed] == [2] * 6


def test_no_hash_is_read(bob):
    lookups.find_account("bob")

    [by_name] = queries_of("bob")
    assert "password" not in by_name


def test_what_is_found_is_the_account(bob):
    found = lookups.find_account("bob")

    assert (found, found.username, found.email, found.is_active) == (bob, "bob", bob.email, True)
    assert found.get_deferred_fields() >= {"password", "first_name"}


def test_an_account_of_another_user_model_is_found_in_its_tables(bob, settings):
    carol = Customer.objects.create_user("carol", "carol@example.org")
    assert lookups.find_account("carol") == carol.user_ptr
    settings.AUTH_USER_MODEL = "users.Customer"
    found = lookups.find_account("carol")

    assert (found, found.pk, found.email) == (carol, carol.pk, carol.email)
    assert lookups.find_account("bob") is None


def test_nobody_is_found_by_what_names_nobody(bob):
    assert [lookups.find_account(typed) for typed in ("", "b\0b", "b" * 2000, "nobody")] == [
        None
    ] * 4


@pytest.mark.parametrize("stored", ["bob@example.org", "Bob@example.org"])
def test_an_address_of_another_case_is_found_without_reading_every_account(bob, stored):
    User.objects.update(email=stored)
    [_, by_email] = queries_of("Bob@EXAMPLE.org", "Bob@EXAMPLE.org")

    assert lookups.find_account("", "Bob@EXAMPLE.org") == bob
    assert not re.search("upper|like", by_email, re.IGNORECASE)


@pytest.mark.parametrize(
    ("manager", "found"),
    [
        (UserManager(), "bob"),
        (models.Manager(), "bob"),
        (AnyCase(), "bob"),
        (Staff(), None),
        (UserManager.from_queryset(StaffQuerySet)(), None),
        (models.Manager.from_queryset(StaffQuerySet)(), None),
    ],
)
def test_the_account_is_the_one_that_the_manager_of_the_project_knows(
    bob, managed, manager, found
):
    managed(manager)
    account = lookups.find_account("bob")

    assert getattr(account, "username", None) == found
    assert lookups.find_account("nobody") is None


def test_the_columns_of_an_account_are_told_apart_whatever_their_order(bob, monkeypatch):
    monkeypatch.setattr(User, "USERNAME_FIELD", "email")
    monkeypatch.setattr(User, "EMAIL_FIELD", "username")

    account = lookups.find_account("bob@example.org")

    assert (account.username, account.email) == ("bob", "bob@example.org")


def test_a_manager_of_the_project_may_be_lax_about_the_case(bob, managed):
    managed(AnyCase())

    assert lookups.find_account("BOB") == bob


def test_a_field_of_the_project_has_a_say_in_what_was_typed(bob, monkeypatch):
    monkeypatch.setattr(User._meta.get_field("username"), "__class__", LowerField)

    assert lookups.find_account("BOB") == bob


def test_two_accounts_of_one_name_are_none(bob, managed, monkeypatch):
    User.objects.create_user("robert")
    monkeypatch.setattr(User, "USERNAME_FIELD", "first_name")

    assert lookups.find_account("") is None
    User.objects.update(first_name="Bob")
    assert lookups.find_account("Bob") is None

"""Accounts: created, deleted, renamed, switched off, and what a bulk update hides."""

import secrets
import sqlite3

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import logout
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connection
from django.db.models import EmailField, F, Value
from django.db.models.functions import Concat

from django_authaudit import guard, lookups
from tests.sources.recorded import NEW, PASSWORD, flag, role, success
from tests.users.models import Customer, ProxyUser
from tests.views import acts


class LowerField(EmailField):
    def get_prep_value(self, value):
        return super().get_prep_value(value).lower()


class EncryptedField(EmailField):
    """Stores each value in another form each time."""

    def get_prep_value(self, value):
        return f"{secrets.token_hex(4)}{value[::-1]}"

    def from_db_value(self, value, expression, connection):
        return value[8:][::-1]


def granted(user, given, **facts):
    return success("authz.role.granted", user=user, role=given, **facts)


def revoked(user, taken, **facts):
    return success("authz.role.revoked", user=user, role=taken, **facts)


class TestCreation:
    def test_by_code_is_one_entry(self, log):
        users = [
            User.objects.create_user("carol", "carol@example.org", PASSWORD),
            async_to_sync(User.objects.acreate_user)("dave"),
            ProxyUser.objects.create(username="erin"),
            Customer.objects.create(username="frank"),
            User.objects.get_or_create(username="grace")[0],
            User(pk=4711, username="heidi"),
        ]
        users[-1].save(force_insert=True)

        assert log.new() == [success("account.created", user=user) for user in users]

    def test_of_a_superuser_is_the_account_and_its_flags(self, log):
        call_command(
            "createsuperuser", username="root", email="root@example.org", interactive=False
        )

        root = User.objects.get()
        command = {"command": "createsuperuser"}
        assert log.new() == [
            success("account.created", user=root, **command),
            granted(root, flag("is_staff"), **command),
            granted(root, flag("is_superuser"), **command),
        ]

    def test_in_the_admin_is_by_the_admin(self, as_root, root, log):
        path = "/admin/auth/user/add/"
        new = {"username": "carol", "password1": NEW, "password2": NEW, "usable_password": "true"}
        response = as_root.post(path, new)

        assert response.status_code == 302
        carol = User.objects.get(username="carol")
        assert log.new() == [success("account.created", user=carol, actor=root, at=f"POST {path}")]

    def test_under_asgi_is_by_the_signed_in_user(self, async_client, root, log):
        async_client.force_login(root)
        log.forget()
        path = "/admin/auth/user/add/"
        new = {"username": "carol", "password1": NEW, "password2": NEW, "usable_password": "true"}
        async_client.post(path, new)

        carol = User.objects.get(username="carol")
        assert log.new() == [success("account.created", user=carol, actor=root, at=f"POST {path}")]

    def test_of_a_child_of_an_account_that_exists_is_none(self, bob, log):
        customer = Customer(user_ptr=bob, number="1")
        customer.__dict__.update(username="bob", email=bob.email, password=bob.password)
        customer.save()

        assert log.new() == []

    def test_by_a_fixture_is_nothing(self, bob, log, tmp_path):
        path = tmp_path / "users.json"
        call_command("dumpdata", "auth.user", output=str(path), verbosity=0)
        User.objects.update(username="old", is_staff=True)
        call_command("loaddata", str(path), verbosity=0)

        assert User.objects.get().username == "bob"
        assert log.new() == []


class TestDeletion:
    @pytest.fixture
    def powerful(self, bob, log):
        bob.is_staff = True
        bob.save()
        bob.groups.set([Group.objects.create(name="editors"), Group.objects.create(name="staff")])
        bob.user_permissions.add(Permission.objects.get(codename="add_group"))
        log.forget()
        return bob

    ROLES = [
        flag("is_staff"),
        role("group", "editors"),
        role("group", "staff"),
        role("permission", "auth.add_group"),
    ]

    def test_is_one_entry_with_the_roles(self, powerful, log):
        pk = powerful.pk
        powerful.delete()
        powerful.pk = pk

        assert log.new() == [success("account.deleted", user=powerful, roles=self.ROLES)]

    def test_is_one_entry_with_what_a_package_says_of_it(self, powerful, log, monkeypatch):
        def broken(user, using):
            raise LookupError(user)

        def of_package(user, using):
            return {"plans": f"of {user.get_username()} in {using}"}

        monkeypatch.setattr(lookups, "going_with", [broken, of_package])
        powerful.delete()

        assert guard.failures.pop("looking at what goes with an account") == 1
        (row,) = log.new()
        plans = f"of {row['username']} in default"
        assert row["metadata"] == {"roles": self.ROLES, "plans": plans}

    def test_by_a_query_is_one_entry_for_each(self, powerful, alice, log):
        User.objects.all().delete()

        assert sorted(log.new(), key=lambda row: row["user"]) == [
            success("account.deleted", user=powerful, roles=self.ROLES),
            success("account.deleted", user=alice),
        ]

    def test_in_the_admin_is_by_the_admin(self, as_root, root, powerful, log):
        path = f"/admin/auth/user/{powerful.pk}/delete/"
        as_root.post(path, {"post": "yes"})

        assert log.new() == [
            success(
                "account.deleted", user=powerful, actor=root, at=f"POST {path}", roles=self.ROLES
            )
        ]

    def test_in_the_admin_of_several_is_one_entry_for_each(self, as_root, root, bob, alice, log):
        path = "/admin/auth/user/"
        chosen = {"_selected_action": [bob.pk, alice.pk], "action": "delete_selected"}
        as_root.post(path, {**chosen, "post": "yes"})

        facts = {"actor": root, "at": f"POST {path}"}
        assert sorted(log.new(), key=lambda row: row["user"]) == [
            success("account.deleted", user=bob, **facts),
            success("account.deleted", user=alice, **facts),
        ]

    def test_of_oneself_names_oneself(self, as_bob, bob, log):
        def view(request):
            request.user.delete()

        acts["leave"] = view
        as_bob.get("/act/leave/")

        facts = {"user": bob, "actor": bob, "at": "GET /act/leave/"}
        assert log.new() == [success("account.deleted", **facts)]

    def test_of_oneself_is_told_of_what_came_before_and_after_too(self, as_bob, bob, log):
        def view(request):
            Group.objects.create(name="editors")
            request.user.delete()
            Group.objects.all().delete()

        acts["leave"] = view
        as_bob.get("/act/leave/")

        assert [(row["event"], row["actor"], row["actor_username"]) for row in log.new()] == [
            ("authz.group.created", bob.pk, "bob"),
            ("account.deleted", bob.pk, "bob"),
            ("authz.group.deleted", bob.pk, "bob"),
        ]

    def test_of_a_child_of_the_user_model_by_itself_names_it(self, client, log, settings):
        settings.AUTHENTICATION_BACKENDS = ["tests.sources.backends.CustomerBackend"]
        carol = Customer.objects.create_user("carol", "carol@example.org", PASSWORD)
        client.force_login(carol)
        log.forget()

        def view(request):
            request.user.delete()
            logout(request)

        acts["leave"] = view
        client.get("/act/leave/")

        facts = {"user": carol, "actor": carol, "at": "GET /act/leave/"}
        assert log.new() == [success("account.deleted", **facts), success("auth.logout", **facts)]

    def test_names_an_account_of_which_only_the_key_was_read(self, bob, log):
        User.objects.only("pk").get(pk=bob.pk).delete()

        assert log.new() == [success("account.deleted", user=bob)]

    @pytest.mark.parametrize("model", [ProxyUser, Customer])
    def test_of_a_proxy_or_a_child_is_one_entry(self, log, model):
        user = model.objects.create_user("carol", is_staff=True)
        user.groups.add(Group.objects.create(name="editors"))
        log.forget()
        pk = user.pk
        user.delete()
        user.pk = pk

        roles = [flag("is_staff"), role("group", "editors")]
        assert log.new() == [success("account.deleted", user=user, roles=roles)]

    def test_of_children_by_a_query_is_one_entry(self, log):
        customer = Customer.objects.create_user("carol")
        log.forget()
        Customer.objects.all().delete()

        assert log.new() == [success("account.deleted", user=customer)]

    def test_of_a_child_alone_is_nothing(self, log):
        customer = Customer.objects.create_user("carol")
        log.forget()
        customer.delete(keep_parents=True)

        assert log.new() == []


class TestChange:
    def test_of_activity(self, bob, log):
        bob.is_active = False
        bob.save()
        bob.is_active = True
        bob.save(update_fields=["is_active"])
        bob.save()

        assert log.new() == [
            success("account.deactivated", user=bob),
            success("account.activated", user=bob),
        ]

    def test_of_the_name(self, bob, log):
        bob.username = "robert"
        bob.save()

        assert log.new() == [success("account.renamed", user=bob, old="bob", new="robert")]

    def test_of_the_address(self, bob, log):
        bob.email = "robert@example.org"
        async_to_sync(bob.asave)()

        assert log.new() == [
            success(
                "account.email_changed", user=bob, old="bob@example.org", new="robert@example.org"
            )
        ]

    def test_of_flags(self, bob, log):
        bob.is_staff = bob.is_superuser = True
        bob.save()
        bob.is_superuser = False
        bob.save()

        assert log.new() == [
            granted(bob, flag("is_staff")),
            granted(bob, flag("is_superuser")),
            revoked(bob, flag("is_superuser")),
        ]

    def test_of_several_columns_is_one_entry_for_each(self, bob, log):
        User.objects.update_or_create(
            username="bob", defaults={"is_active": False, "is_staff": True, "email": ""}
        )

        bob.refresh_from_db()
        assert log.new() == [
            success("account.deactivated", user=bob),
            granted(bob, flag("is_staff")),
            success("account.email_changed", user=bob, old="bob@example.org", new=""),
        ]

    def test_by_an_expression_is_read_back(self, bob, log):
        bob.username = Concat(F("username"), Value("by"))
        bob.is_active = Value(True)
        bob.save()

        [row] = log.new()
        assert (row["event"], row["user"]) == ("account.renamed", bob.pk)
        assert row["metadata"] == {"old": "bob", "new": "bobby"}

    def test_that_is_not_saved_is_nothing(self, bob, log):
        bob.is_staff = True
        bob.username = "robert"
        bob.save(update_fields=["first_name"])
        bob.save(update_fields=[])
        bob.refresh_from_db()
        bob.save()

        assert log.new() == []

    def test_that_changes_nothing_is_nothing(self, bob, log):
        bob.is_staff = 0
        bob.is_active = "True"
        bob.save()
        User.objects.only("pk").get(pk=bob.pk).save()
        User.objects.only("pk").get(pk=bob.pk).save(update_fields=["username"])

        assert log.new() == []

    @pytest.mark.parametrize("kind", [EncryptedField, LowerField])
    def test_of_a_field_that_stores_another_form_is_told_as_it_is_read(
        self, log, kind, monkeypatch
    ):
        monkeypatch.setattr(User._meta.get_field("email"), "__class__", kind)
        carol = User.objects.create(username="carol", email="Carol@example.org")
        log.forget()
        carol.save()
        carol.email = "caroline@example.org"
        carol.save()
        User.objects.get(pk=carol.pk).save()

        [row] = log.new()
        assert row["event"] == "account.email_changed"
        assert row["metadata"]["old"].lower() == "carol@example.org"
        assert row["metadata"]["new"] == "caroline@example.org"

    @pytest.mark.parametrize("model", [ProxyUser, Customer])
    def test_through_a_proxy_or_a_child_is_one_entry(self, log, model):
        user = model.objects.create_user("carol")
        log.forget()
        user.is_active = False
        user.is_staff = True
        user.save()

        assert log.new() == [
            success("account.deactivated", user=user),
            granted(user, flag("is_staff")),
        ]

    def test_in_the_admin_is_by_the_admin(self, as_root, root, bob, log):
        editors = Group.objects.create(name="editors")
        add_group = Permission.objects.get(codename="add_group")
        bob.groups.add(Group.objects.create(name="authors"))
        log.forget()
        path = f"/admin/auth/user/{bob.pk}/change/"
        response = as_root.post(
            path,
            {
                "username": "robert",
                "email": "bob@example.org",
                "is_staff": "on",
                "groups": [editors.pk],
                "user_permissions": [add_group.pk],
                "date_joined_0": "2026-01-01",
                "date_joined_1": "12:00:00",
            },
        )

        assert response.status_code == 302
        bob.refresh_from_db()
        facts = {"user": bob, "actor": root, "at": f"POST {path}"}
        given = [flag("is_staff"), role("group", "editors"), role("permission", "auth.add_group")]
        assert sorted(log.new(), key=str) == sorted(
            [
                success("account.renamed", old="bob", new="robert", **facts),
                success("account.deactivated", **facts),
                success("authz.role.revoked", role=role("group", "authors"), **facts),
                *(success("authz.role.granted", role=one, **facts) for one in given),
            ],
            key=str,
        )

    def test_by_a_user_of_their_own_account_names_them_as_the_actor(self, as_bob, bob, log):
        def view(request):
            request.user.email = ""
            request.user.save()

        acts["profile"] = view
        as_bob.post("/act/profile/")

        bob.refresh_from_db()
        assert log.new() == [
            success(
                "account.email_changed",
                user=bob,
                actor=bob,
                at="POST /act/profile/",
                old="bob@example.org",
                new="",
            )
        ]


class TestBulkUpdate:
    @pytest.fixture(autouse=True)
    def followed(self, settings):
        settings.AUTHAUDIT_TRACK_QUERYSET_UPDATES = True

    def test_is_nothing_unless_it_is_followed(self, bob, log, settings):
        settings.AUTHAUDIT_TRACK_QUERYSET_UPDATES = False
        User.objects.update(is_active=False, is_staff=True)
        bob.is_active = True
        User.objects.bulk_update([bob], ["is_active"])

        assert log.new() == []

    def test_is_compared_row_by_row(self, bob, alice, root, log):
        assert User.objects.order_by("username").update(is_staff=True) == 3

        assert log.new() == [
            granted(bob, flag("is_staff")),
            granted(alice, flag("is_staff")),
        ]

    def test_of_objects_is_compared_row_by_row(self, bob, alice, log):
        bob.username, bob.is_active = "robert", False
        User.objects.bulk_update([bob, alice], ["username", "is_active"])

        assert sorted(log.new(), key=str) == sorted(
            [
                success("account.renamed", user=bob, old="bob", new="robert"),
                success("account.deactivated", user=bob),
            ],
            key=str,
        )

    def test_in_async_code_is_compared_row_by_row(self, bob, log):
        async_to_sync(User.objects.filter(pk=bob.pk).aupdate)(password="!")

        assert log.new() == [success("auth.password.changed", user=bob, by="code", unusable=True)]

    def test_by_an_expression_is_read_back(self, bob, log):
        User.objects.update(username=Concat(F("username"), Value("by")))

        bob.refresh_from_db()
        assert log.new() == [success("account.renamed", user=bob, old="bob", new="bobby")]

    @pytest.mark.skipif(
        connection.vendor != "sqlite" or not hasattr(sqlite3.Connection, "setlimit"),
        reason="needs a database that takes few parameters",
    )
    def test_of_more_accounts_than_a_query_takes_parameters_is_followed(self, log):
        User.objects.bulk_create(User(username=f"user{n}") for n in range(1200))
        connection.ensure_connection()
        was = connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
        try:
            User.objects.update(is_active=False)
        finally:
            connection.connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, was)

        assert [row["event"] for row in log.new()] == ["account.deactivated"] * 1200

    def test_that_changes_what_it_was_filtered_by_is_followed(self, bob, log):
        User.objects.filter(is_active=True).update(is_active=False)

        assert log.new() == [success("account.deactivated", user=bob)]

    @pytest.mark.parametrize("model", [ProxyUser, Customer])
    def test_through_a_proxy_or_a_child_is_followed(self, log, model):
        user = model.objects.create_user("carol")
        log.forget()
        model.objects.update(is_active=False)

        assert log.new() == [success("account.deactivated", user=user)]

    def test_of_other_columns_and_models_is_nothing(self, bob, log, django_assert_num_queries):
        with django_assert_num_queries(2):
            User.objects.update(first_name="Bob")
            Group.objects.update(name="editors")
        User.objects.filter(pk=0).update(is_active=False)

        assert log.new() == []

    def test_in_a_view_is_by_the_signed_in_user(self, as_root, root, bob, log):
        def view(request):
            User.objects.filter(username="bob").update(is_superuser=True)

        acts["promote"] = view
        as_root.get("/act/promote/")

        assert log.new() == [
            granted(bob, flag("is_superuser"), actor=root, at="GET /act/promote/")
        ]

    @pytest.mark.django_db(databases=["default", "audit"])
    def test_is_read_where_it_is_written(self, bob, log, settings):
        settings.DATABASE_ROUTERS = ["tests.sources.backends.ReadsElsewhere"]
        User.objects.update(is_active=False)
        User.objects.using("default").update(is_active=True)
        settings.DATABASE_ROUTERS = []

        assert log.new() == [
            success("account.deactivated", user=bob),
            success("account.activated", user=bob),
        ]

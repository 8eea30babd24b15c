"""Roles: one entry for each account and role that really came or went, by whatever path."""

import copy
import pickle

import pytest
from asgiref.sync import async_to_sync
from django import VERSION
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F, Value
from django.db.models.functions import Concat

from tests.sources.recorded import role, success
from tests.users.models import Customer, ProxyUser, Team
from tests.views import acts


def group(name):
    return role("group", name)


def granted(user, given, **facts):
    return success("authz.role.granted", user=user, role=given, **facts)


def revoked(user, taken, **facts):
    return success("authz.role.revoked", user=user, role=taken, **facts)


@pytest.fixture
def editors(log):
    group = Group.objects.create(name="editors")
    log.forget()
    return group


@pytest.fixture
def authors(log):
    group = Group.objects.create(name="authors")
    log.forget()
    return group


@pytest.fixture
def can_add():
    return Permission.objects.get(codename="add_group")


CAN_ADD = role("permission", "auth.add_group")


class TestGroupsOfAnAccount:
    def test_added_and_removed(self, bob, editors, authors, log):
        bob.groups.add(editors, authors)
        bob.groups.remove(editors)

        rows = log.new()
        assert sorted(rows[:2], key=str) == [
            granted(bob, group("authors")),
            granted(bob, group("editors")),
        ]
        assert rows[2:] == [revoked(bob, group("editors"))]

    def test_added_and_removed_from_the_other_side(self, bob, alice, editors, log):
        editors.user_set.add(bob, alice)
        editors.user_set.remove(alice)

        rows = log.new()
        assert sorted(rows[:2], key=lambda row: row["user"]) == [
            granted(bob, group("editors")),
            granted(alice, group("editors")),
        ]
        assert rows[2:] == [revoked(alice, group("editors"))]

    @pytest.mark.django_db(transaction=True)
    def test_that_are_there_already_are_nothing(self, bob, editors, log):
        bob.groups.add(editors)
        log.forget()
        bob.groups.add(editors)
        editors.user_set.add(bob)
        bob.groups.set([editors])
        bob.groups.set([editors], clear=True)
        editors.user_set.set([bob], clear=True)

        assert log.new() == []

    def test_that_are_not_there_are_not_revoked(self, bob, alice, editors, authors, log):
        bob.groups.add(editors)
        log.forget()
        bob.groups.remove(authors)
        editors.user_set.remove(alice)
        alice.groups.clear()
        authors.user_set.clear()
        bob.groups.remove(editors, authors)

        assert log.new() == [revoked(bob, group("editors"))]

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("clear", [False, True])
    def test_set_anew_are_only_the_difference(self, bob, editors, authors, log, clear):
        kept = Group.objects.create(name="kept")
        bob.groups.set([kept, editors])
        log.forget()
        bob.groups.set([kept, authors], clear=clear)

        assert log.new() == [
            revoked(bob, group("editors")),
            granted(bob, group("authors")),
        ]

    def test_cleared_are_one_entry_each(self, bob, alice, editors, authors, log):
        bob.groups.add(editors, authors)
        alice.groups.add(editors)
        log.forget()
        bob.groups.clear()
        editors.user_set.clear()

        rows = log.new()
        assert sorted(rows[:2], key=str) == [
            revoked(bob, group("authors")),
            revoked(bob, group("editors")),
        ]
        assert rows[2:] == [revoked(alice, group("editors"))]

    def test_taken_and_given_back_later_are_two_entries(self, bob, editors, log):
        bob.groups.add(editors)
        log.forget()
        bob.groups.clear()
        bob.groups.add(editors)

        assert log.new() == [
            revoked(bob, group("editors")),
            granted(bob, group("editors")),
        ]

    @pytest.mark.django_db(transaction=True)
    def test_taken_and_given_back_in_one_transaction_are_nothing(self, bob, editors, log):
        bob.groups.add(editors)
        log.forget()
        with transaction.atomic():
            bob.groups.clear()
            bob.groups.add(editors)

        assert log.new() == []

    @pytest.mark.django_db(transaction=True)
    def test_given_back_in_a_block_that_is_undone_stay_revoked(self, bob, editors, log):
        bob.groups.add(editors)
        log.forget()
        with transaction.atomic():
            bob.groups.clear()
            with pytest.raises(RuntimeError), transaction.atomic():
                bob.groups.add(editors)
                raise RuntimeError("undo the inner block")

        assert not bob.groups.exists()
        kept, undone = sorted(log.new(), key=lambda row: row["outcome"], reverse=True)
        assert kept == revoked(bob, group("editors"))
        assert (undone["event"], undone["outcome"]) == ("authz.role.granted", "failure")

    def test_leave_the_account_fit_to_be_cached_and_copied(self, as_bob, bob, editors, log):
        def view(request):
            with transaction.atomic():
                bob.groups.set([editors])
                bob.groups.clear()
                assert pickle.loads(pickle.dumps(bob)).username == "bob"
                assert copy.deepcopy(bob).username == "bob"
                bob.groups.set([editors])

        acts["cache"] = view
        assert as_bob.get("/act/cache/").status_code == 200
        assert bob.groups.exists()
        assert len(log.new()) == 1

    def test_in_async_code(self, bob, editors, log):
        async_to_sync(bob.groups.aadd)(editors)
        async_to_sync(bob.groups.aset)([])

        assert log.new() == [
            granted(bob, group("editors")),
            revoked(bob, group("editors")),
        ]

    def test_created_on_the_way_are_the_group_and_the_role(self, bob, log):
        bob.groups.create(name="editors")

        assert log.new() == [
            success("authz.group.created", group="editors"),
            granted(bob, group("editors")),
        ]

    @pytest.mark.parametrize("model", [ProxyUser, Customer])
    def test_of_a_proxy_or_a_child(self, editors, log, model):
        user = model.objects.create_user("carol")
        log.forget()
        user.groups.add(editors)
        editors.user_set.clear()

        assert log.new() == [
            granted(user, group("editors")),
            revoked(user, group("editors")),
        ]

    def test_in_a_view_are_by_the_signed_in_user(self, as_root, root, bob, editors, log):
        acts["promote"] = lambda request: bob.groups.add(editors)
        as_root.get("/act/promote/")

        at = "GET /act/promote/"
        assert log.new() == [granted(bob, group("editors"), actor=root, at=at)]

    @pytest.mark.parametrize("atomic", [False, True])
    def test_set_anew_in_a_view_are_only_the_difference(
        self, client, bob, editors, authors, log, monkeypatch, atomic
    ):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
        bob.groups.add(editors)
        log.forget()
        acts["set"] = lambda request: bob.groups.set([editors, authors], clear=True)
        client.get("/act/set/")

        assert log.new() == [granted(bob, group("authors"), at="GET /act/set/")]

    def test_of_a_view_that_fails_are_rolled_back(self, client, bob, editors, log, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)

        def view(request):
            bob.groups.add(editors)
            raise RuntimeError("after the grant")

        acts["fail"] = view
        client.get("/act/fail/")

        [row] = log.new()
        assert (row["event"], row["outcome"]) == ("authz.role.granted", "failure")
        assert row["metadata"] == {"role": group("editors"), "rolled_back": True}

    @pytest.mark.skipif(VERSION < (6, 1), reason="an older Django does not tell it from code")
    def test_by_a_fixture_are_nothing(self, bob, editors, log, tmp_path):
        bob.groups.add(editors)
        path = tmp_path / "all.json"
        call_command("dumpdata", "auth.user", "auth.group", output=str(path), verbosity=0)
        bob.groups.clear()
        log.forget()
        call_command("loaddata", str(path), verbosity=0)

        assert bob.groups.exists()
        assert log.new() == []


class TestPermissionsOfAnAccount:
    def test_added_and_removed(self, bob, can_add, log):
        bob.user_permissions.add(can_add)
        bob.user_permissions.add(can_add)
        bob.user_permissions.set([])
        bob.user_permissions.remove(can_add)

        assert log.new() == [granted(bob, CAN_ADD), revoked(bob, CAN_ADD)]

    def test_added_and_removed_from_the_other_side(self, bob, can_add, log):
        can_add.user_set.add(bob)
        can_add.user_set.clear()

        assert log.new() == [granted(bob, CAN_ADD), revoked(bob, CAN_ADD)]


class TestGroups:
    def test_of_a_model_of_the_project_are_one_entry(self, editors, log):
        team = Team(group_ptr=editors, room="1")
        team.name = "editors"
        team.save()
        team.name = "writers"
        team.save(update_fields=["room"])
        team.save()
        Team.objects.create(name="authors", room="2")
        team.delete()

        assert log.new() == [
            success("authz.group.renamed", group="writers", old="editors", new="writers"),
            success("authz.group.created", group="authors"),
            success("authz.group.deleted", group="writers"),
        ]

    def test_renamed_by_an_expression_are_read_back(self, editors, log):
        editors.name = Concat(F("name"), Value(" and writers"))
        editors.save()

        names = {"old": "editors", "new": "editors and writers"}
        assert log.new() == [success("authz.group.renamed", group="editors and writers", **names)]

    def test_created_renamed_and_deleted(self, log):
        editors = Group.objects.create(name="editors")
        editors.save()
        editors.name = "writers"
        editors.save()
        editors.delete()

        assert log.new() == [
            success("authz.group.created", group="editors"),
            success("authz.group.renamed", group="writers", old="editors", new="writers"),
            success("authz.group.deleted", group="writers"),
        ]

    def test_deleted_take_their_role_from_each_member(self, bob, alice, editors, log):
        editors.user_set.add(bob, alice)
        log.forget()
        editors.delete()

        rows = log.new()
        assert rows[0] == success("authz.group.deleted", group="editors")
        assert sorted(rows[1:], key=lambda row: row["user"]) == [
            revoked(bob, group("editors")),
            revoked(alice, group("editors")),
        ]

    def test_deleted_leave_a_permission_of_the_same_number_alone(self, bob, can_add, log):
        bob.user_permissions.add(can_add)
        group = Group.objects.create(pk=can_add.pk, name="editors")
        group.permissions.add(can_add)
        log.forget()
        group.delete()

        assert log.new() == [success("authz.group.deleted", group="editors")]

    def test_deleted_by_a_query_take_their_role_from_each_member(self, bob, editors, authors, log):
        bob.groups.add(editors, authors)
        log.forget()
        Group.objects.all().delete()

        assert sorted(log.new(), key=str) == sorted(
            [
                success("authz.group.deleted", group="editors"),
                revoked(bob, group("editors")),
                success("authz.group.deleted", group="authors"),
                revoked(bob, group("authors")),
            ],
            key=str,
        )

    def test_in_the_admin_are_changed_by_the_admin(self, as_root, root, can_add, log):
        as_root.post("/admin/auth/group/add/", {"name": "editors", "permissions": [can_add.pk]})
        pk = Group.objects.get().pk
        as_root.post(f"/admin/auth/group/{pk}/change/", {"name": "writers"})
        as_root.post(f"/admin/auth/group/{pk}/delete/", {"post": "yes"})

        add = {"actor": root, "at": "POST /admin/auth/group/add/"}
        change = {"actor": root, "at": f"POST /admin/auth/group/{pk}/change/"}
        delete = {"actor": root, "at": f"POST /admin/auth/group/{pk}/delete/"}
        permission = "auth.add_group"
        names = {"old": "editors", "new": "writers"}
        assert log.new() == [
            success("authz.group.created", group="editors", **add),
            success(
                "authz.group.permission_granted", group="editors", permission=permission, **add
            ),
            success("authz.group.renamed", group="writers", **names, **change),
            success(
                "authz.group.permission_revoked", group="writers", permission=permission, **change
            ),
            success("authz.group.deleted", group="writers", **delete),
        ]

    def test_gain_and_lose_permissions(self, editors, can_add, log):
        editors.permissions.add(can_add)
        editors.permissions.add(can_add)
        editors.permissions.clear()
        editors.permissions.remove(can_add)

        permission = {"group": "editors", "permission": "auth.add_group"}
        assert log.new() == [
            success("authz.group.permission_granted", **permission),
            success("authz.group.permission_revoked", **permission),
        ]

    def test_gain_and_lose_permissions_from_the_other_side(self, editors, can_add, log):
        can_add.group_set.add(editors)
        can_add.group_set.set([])

        permission = {"group": "editors", "permission": "auth.add_group"}
        assert log.new() == [
            success("authz.group.permission_granted", **permission),
            success("authz.group.permission_revoked", **permission),
        ]


class TestPermissions:
    @pytest.fixture
    def custom(self, bob, editors, log):
        content_type = ContentType.objects.get_for_model(User)
        permission = Permission.objects.create(
            codename="ban", name="Can ban", content_type=content_type
        )
        bob.user_permissions.add(permission)
        editors.permissions.add(permission)
        log.forget()
        return permission

    def expected(self, bob):
        return [
            revoked(bob, role("permission", "auth.ban")),
            success("authz.group.permission_revoked", group="editors", permission="auth.ban"),
        ]

    def test_deleted_are_taken_from_accounts_and_groups(self, custom, bob, log):
        custom.delete()

        assert log.new() == self.expected(bob)

    def test_deleted_by_a_query_are_taken_from_accounts_and_groups(self, custom, bob, log):
        Permission.objects.filter(codename="ban").delete()

        assert log.new() == self.expected(bob)

    def test_deleted_with_their_content_type_are_taken_from_accounts(self, bob, log):
        content_type = ContentType.objects.create(app_label="gone", model="thing")
        permission = Permission.objects.create(
            codename="see", name="Can see", content_type=content_type
        )
        bob.user_permissions.add(permission)
        log.forget()
        content_type.delete()

        assert log.new() == [revoked(bob, role("permission", "gone.see"))]

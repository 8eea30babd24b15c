"""Permissions for single objects: one entry for each owner, permission and object."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.core.management import call_command
from django.db import IntegrityError, transaction
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, remove_perm

from django_authaudit import sources
from tests.guarded.models import Plan, Project, ProjectUserObjectPermission
from tests.sources.recorded import role, success
from tests.users.models import ProxyUser


@pytest.fixture
def plan(log):
    return Plan.objects.create(slug="moon")


@pytest.fixture
def other_plan(log):
    return Plan.objects.create(slug="mars")


@pytest.fixture
def project(log):
    return Project.objects.create(name="apollo")


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


def of_user(event, user, thing, codename="change", **facts):
    permission, name = names(thing, codename)
    facts |= {"permission": permission, "object": name, "via": "guardian"}
    return success(event, user=user, role=role("permission", permission), **facts)


def granted(user, thing, codename="change", **facts):
    return of_user("authz.role.granted", user, thing, codename, **facts)


def revoked(user, thing, codename="change", **facts):
    return of_user("authz.role.revoked", user, thing, codename, **facts)


def of_group(event, group, thing, codename="change", **facts):
    permission, name = names(thing, codename)
    facts |= {"permission": permission, "object": name, "via": "guardian"}
    return success(event, group=group.name, **facts)


def group_granted(group, thing, codename="change", **facts):
    return of_group("authz.group.permission_granted", group, thing, codename, **facts)


def group_revoked(group, thing, codename="change", **facts):
    return of_group("authz.group.permission_revoked", group, thing, codename, **facts)


def names(thing, codename):
    model = thing._meta.model_name
    return f"guarded.{codename}_{model}", f"guarded.{model}:{thing.pk}"


def named_of(thing):
    permission, name = names(thing, "change")
    return {"permission": permission, "object": name}


def in_any_order(entries):
    return sorted(entries, key=str)


class TestOfAUser:
    def test_given_and_taken_back(self, bob, plan, log):
        assign_perm("change_plan", bob, plan)
        assert bob.has_perm("guarded.change_plan", plan)
        remove_perm("change_plan", bob, plan)

        assert log.new() == [granted(bob, plan), revoked(bob, plan)]

    def test_for_an_object_whose_permissions_have_a_table_of_their_own(self, bob, project, log):
        assign_perm("change_project", bob, project)
        assert ProjectUserObjectPermission.objects.count() == 1
        remove_perm("change_project", bob, project)

        assert log.new() == [granted(bob, project), revoked(bob, project)]

    def test_by_the_methods_of_the_user(self, bob, plan, log):
        bob.add_obj_perm("view_plan", plan)
        bob.del_obj_perm("view_plan", plan)

        assert log.new() == [granted(bob, plan, "view"), revoked(bob, plan, "view")]

    def test_given_again_is_nothing(self, bob, plan, log):
        assign_perm("change_plan", bob, plan)
        log.forget()
        assign_perm("change_plan", bob, plan)
        UserObjectPermission.objects.get().save()

        assert log.new() == []

    def test_taken_where_there_was_none_is_nothing(self, bob, plan, log):
        remove_perm("change_plan", bob, plan)

        assert log.new() == []

    def test_who_is_nobody_has_an_account_of_the_package(self, plan, log):
        assign_perm("view_plan", AnonymousUser(), plan)

        assert log.new() == [granted(User.objects.get(username="AnonymousUser"), plan, "view")]

    def test_for_all_objects_is_an_ordinary_role(self, bob, editors, log):
        assign_perm("guarded.change_plan", bob)
        assign_perm("guarded.change_plan", editors)

        role_granted, group_granted = log.new()
        assert role_granted["metadata"] == {"role": role("permission", "guarded.change_plan")}
        assert group_granted["metadata"] == {
            "group": "editors",
            "permission": "guarded.change_plan",
        }


class TestOfAGroup:
    @pytest.mark.parametrize("name", ["plan", "project"])
    def test_given_and_taken_back(self, request, editors, log, name):
        thing = request.getfixturevalue(name)
        assign_perm(f"change_{name}", editors, thing)
        remove_perm(f"change_{name}", editors, thing)

        assert log.new() == [group_granted(editors, thing), group_revoked(editors, thing)]


class TestInBulk:
    def test_to_many_users_is_an_entry_for_each(self, bob, alice, root, plan, log):
        assign_perm("change_plan", bob, plan)
        log.forget()
        users = User.objects.exclude(username="AnonymousUser")
        assign_perm("change_plan", users, plan)

        assert in_any_order(log.new()) == [granted(alice, plan), granted(root, plan)]

        remove_perm("change_plan", users, plan)

        expected = [revoked(alice, plan), revoked(bob, plan), revoked(root, plan)]
        assert in_any_order(log.new()) == in_any_order(expected)

    def test_to_the_same_user_twice_is_one_entry(self, bob, plan, log):
        assign_perm("change_plan", [bob, bob], plan)

        assert log.new() == [granted(bob, plan)]

    def test_to_many_groups_is_an_entry_for_each(self, editors, authors, project, log):
        groups = [editors, authors]
        assign_perm("change_project", groups, project)
        remove_perm("change_project", groups, project)

        entries = log.new()
        given = [group_granted(authors, project), group_granted(editors, project)]
        assert in_any_order(entries[:2]) == given
        taken = [group_revoked(authors, project), group_revoked(editors, project)]
        assert in_any_order(entries[2:]) == taken

    def test_for_many_objects_is_an_entry_for_each(self, bob, plan, other_plan, log):
        assign_perm("change_plan", bob, plan)
        log.forget()
        assign_perm("change_plan", bob, Plan.objects.all())

        assert log.new() == [granted(bob, other_plan)]

        remove_perm("change_plan", bob, [plan, other_plan])

        assert in_any_order(log.new()) == [revoked(bob, other_plan), revoked(bob, plan)]

    def test_for_more_than_are_looked_at_at_once(self, bob, log):
        plans = Plan.objects.bulk_create(Plan(slug=f"plan-{n}") for n in range(501))
        assign_perm("change_plan", bob, plans[-1])
        log.forget()
        assign_perm("change_plan", bob, plans)
        assert len(log.new()) == 500

        assign_perm("change_plan", bob, plans)
        assert log.new() == []

    def test_by_the_manager_and_a_generator_is_an_entry_for_each(self, bob, alice, project, log):
        permission = Permission.objects.get(codename="view_project")
        rows = (
            ProjectUserObjectPermission(user=user, permission=permission, content_object=project)
            for user in (alice, bob)
        )
        made = ProjectUserObjectPermission.objects.bulk_create(rows)

        assert len(made) == 2
        assert log.new() == [granted(alice, project, "view"), granted(bob, project, "view")]

    def test_that_fails_is_nothing_and_fails_as_ever(self, bob, plan, log):
        assign_perm("change_plan", bob, plan)
        log.forget()
        row = UserObjectPermission.objects.get()
        row.pk = None
        with pytest.raises(IntegrityError), transaction.atomic():
            UserObjectPermission.objects.bulk_create([row])

        assert log.new() == []

    def test_connecting_twice_records_nothing_twice(self, bob, plan, log):
        sources.connect_all()
        assign_perm("change_plan", [bob], plan)

        assert log.new() == [granted(bob, plan)]


class TestWhatGoesWithSomethingElse:
    def test_an_account_is_the_deletion_alone_which_names_them(
        self, bob, alice, plan, project, log
    ):
        for user in (bob, alice):
            assign_perm("change_plan", user, plan)
            assign_perm("change_project", user, project)
        log.forget()
        User.objects.get(pk=bob.pk).delete()
        ProxyUser.objects.filter(pk=alice.pk).delete()

        assert not UserObjectPermission.objects.exists()
        named = [named_of(project), named_of(plan)]
        entries = log.new()
        assert [row["user"] for row in entries] == [bob.pk, alice.pk]
        assert [row["event"] for row in entries] == ["account.deleted"] * 2
        for row in entries:
            assert list(row["metadata"]) == ["object_permissions"]
            assert in_any_order(row["metadata"]["object_permissions"]) == in_any_order(named)

    def test_an_account_with_more_than_fit_names_the_first_and_counts_all(self, bob, log):
        plans = Plan.objects.bulk_create(Plan(slug=f"plan-{n}") for n in range(51))
        assign_perm("change_plan", bob, plans)
        log.forget()
        bob.delete()

        (row,) = log.new()
        assert len(row["metadata"]["object_permissions"]) == 50
        assert row["metadata"]["truncated"] == {"object_permissions": 51}

    def test_a_group_is_the_deletion_alone(self, editors, plan, log):
        assign_perm("change_plan", editors, plan)
        log.forget()
        editors.delete()

        assert not GroupObjectPermission.objects.exists()
        assert log.new() == [success("authz.group.deleted", group="editors")]

    def test_a_permission_is_taken_from_everybody(self, bob, editors, plan, log):
        permission = Permission.objects.get(codename="change_plan")
        assign_perm(permission, bob, plan)
        assign_perm(permission, editors, plan)
        log.forget()
        permission.delete()

        entries = [group_revoked(editors, plan), revoked(bob, plan)]
        assert in_any_order(log.new()) == in_any_order(entries)

    def test_an_object_takes_its_own_table_with_it(self, bob, alice, project, log):
        assign_perm("change_project", [bob, alice], project)
        log.forget()
        project_was = Project(pk=project.pk)
        project.delete()

        entries = [revoked(bob, project_was), revoked(alice, project_was)]
        assert in_any_order(log.new()) == in_any_order(entries)

    def test_an_object_leaves_the_shared_table_until_it_is_cleaned_up(self, bob, plan, log):
        assign_perm("change_plan", bob, plan)
        log.forget()
        gone = Plan(pk=plan.pk)
        plan.delete()
        assert log.new() == []

        call_command("clean_orphan_obj_perms", verbosity=0)

        assert log.new() == [revoked(bob, gone, command="clean_orphan_obj_perms")]


def test_a_fixture_is_nothing(bob, plan, log, tmp_path):
    assign_perm("change_plan", bob, plan)
    kept = tmp_path / "kept.json"
    call_command("dumpdata", "guardian.userobjectpermission", output=str(kept), verbosity=0)
    UserObjectPermission.objects.all().delete()
    log.forget()
    call_command("loaddata", str(kept), verbosity=0)

    assert UserObjectPermission.objects.exists()
    assert log.new() == []


def test_a_rollback_is_told(bob, alice, plan, act, log):
    def roll_back(request):
        with transaction.atomic():
            assign_perm("change_plan", bob, plan)
            assign_perm("change_plan", [alice], plan)
            transaction.set_rollback(True)

    act(roll_back)

    assert not UserObjectPermission.objects.exists()
    assert [(row["outcome"], row["user"]) for row in log.new()] == [
        ("failure", bob.pk),
        ("failure", alice.pk),
    ]


def test_in_the_admin_is_by_the_admin(as_root, root, bob, editors, plan, log):
    of_bob = f"/admin/guarded/plan/moon/permissions/user-manage/{bob.pk}/"
    of_editors = f"/admin/guarded/plan/moon/permissions/group-manage/{editors.pk}/"
    as_root.post(of_bob, {"permissions": ["change_plan"]})
    as_root.post(of_bob, {"permissions": [], "save": "yes"})
    as_root.post(of_editors, {"permissions": ["change_plan"]})

    by_root = {"actor": root, "at": f"POST {of_bob}"}
    assert log.new() == [
        granted(bob, plan, **by_root),
        revoked(bob, plan, **by_root),
        group_granted(editors, plan, actor=root, at=f"POST {of_editors}"),
    ]


def test_a_want_of_permission_is_forbidden(as_bob, bob, plan, log):
    as_bob.get("/plans/moon/")
    as_bob.get("/plans/moon/strict/")
    assert [row["event"] for row in log.new()] == ["authz.forbidden", "authz.forbidden"]

    assign_perm("change_plan", bob, plan)
    log.forget()
    assert as_bob.get("/plans/moon/strict/").status_code == 200
    assert log.new() == []

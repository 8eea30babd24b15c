import html
import uuid

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission, User

from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, NOON, detail, names, row, text

OVERRIDE = "\u202e"


def test_every_column_is_shown(reader, bob, alice):
    writer = uuid.uuid4()
    entry = row(
        "authz.role.granted",
        user_id=bob.pk,
        username="bob",
        email="bob@example.com",
        actor_id=alice.pk,
        actor_username="alice",
        ip_address="203.0.113.7",
        user_agent="Mozilla/5.0",
        session_ref="the-session",
        request_id="the-request",
        method="POST",
        path="/admin/auth/user/2/change/",
        metadata={"role": {"kind": "group", "name": "editors"}, "via": "form"},
        writer=writer,
        sequence=77,
        salt="the-salt",
        leaf="the-leaf",
        signature="the-signature",
    )

    page = text(reader.get(detail(entry)))

    for expected in (
        "Role granted",
        "2026-07-01 14:00:00.000 CEST 2026-07-01 12:00:00.000 UTC",
        "authz.role.granted",
        "✓ success",
        f"bob (#{bob.pk})",
        "bob@example.com",
        f"alice (#{alice.pk})",
        "203.0.113.7",
        "Mozilla/5.0",
        "the-session",
        "the-request",
        "POST",
        "/admin/auth/user/2/change/",
        "Role group editors",
        "Via form",
        str(entry.pk),
        str(writer),
        "77",
        "the-salt",
        "the-leaf",
        "the-signature",
    ):
        assert expected in page


def test_an_entry_that_knows_little_is_shown(reader):
    entry = row("auth.logout")

    page = text(reader.get(detail(entry)))

    assert "Nothing more was recorded." in page
    assert "All entries" not in page


def links(response):
    return {
        link.text: link.url
        for section in response.context["sections"]
        for r in section.rows
        for link in r.links
    }


def test_links_lead_to_all_that_belongs_to_the_entry(reader, bob, alice):
    entry = row(
        username="bob",
        user_id=bob.pk,
        actor_id=alice.pk,
        actor_username="alice",
        ip_address="203.0.113.7",
        session_ref="s",
        request_id="r",
    )
    row(username="eve", actor_id=bob.pk, ip_address="203.0.113.8")

    found = links(reader.get(detail(entry)))

    for label in (
        "All entries of this user",
        "All entries by this actor",
        "All entries from this address",
        "All entries of this request",
        "All entries of this session",
    ):
        assert names(reader.get(found[label])) == ["bob"]


def test_a_typed_name_leads_to_all_of_that_name(reader):
    entry = row("auth.login.failure", username="no body&")
    row("auth.login.failure", username="other")

    found = links(reader.get(detail(entry)))

    assert names(reader.get(found["All entries of this name"])) == ["no body&"]


def test_the_account_is_linked(reader, bob):
    entry = row(username="bob", user_id=bob.pk, actor_id=bob.pk, actor_username="bob")

    response = reader.get(detail(entry))

    assert links(response)["The account"] == f"/admin/auth/user/{bob.pk}/change/"
    assert text(response).count("The account") == 1


def test_the_accounts_of_user_and_actor_are_both_linked(reader, bob, alice):
    entry = row(username="bob", user_id=bob.pk, actor_id=alice.pk, actor_username="alice")

    page = reader.get(detail(entry)).content.decode()

    for account in (bob, alice):
        assert f'href="/admin/auth/user/{account.pk}/change/"' in page


def test_an_account_that_is_gone_is_not_linked(reader):
    entry = row("account.deleted", username="gone", user_id=424242, actor_id=434343)

    response = reader.get(detail(entry))

    assert "The account" not in links(response)
    assert "gone (#424242)" in text(response)
    assert "(#434343)" in text(response)


def test_an_account_is_linked_for_those_only_who_may_see_it(auditor, bob):
    entry = row(username="bob", user_id=bob.pk)
    assert "The account" not in links(auditor.get(detail(entry)))

    auditor_account = User.objects.get(username="auditor")
    auditor_account.user_permissions.add(Permission.objects.get(codename="view_user"))

    assert "The account" in links(auditor.get(detail(entry)))


def test_an_account_without_an_admin_is_not_linked(reader, bob):
    entry = row(username="bob", user_id=bob.pk)
    admin_of_users = type(site.get_model_admin(User))
    site.unregister(User)
    try:
        assert "The account" not in links(reader.get(detail(entry)))
    finally:
        site.register(User, admin_of_users)


def test_metadata_is_a_table_of_keys_and_values(reader):
    entry = row(
        metadata={
            "reason": "locked",
            "parameters": {"username": "bob", "deeper": {"tries": [1, 2, {"last": True}]}},
            "roles": [{"kind": "flag", "name": "is_staff"}, {"kind": "group", "name": "editors"}],
            "nothing": None,
            "empty": [],
            "no": False,
        }
    )

    page = text(reader.get(detail(entry)))

    for fact in (
        "Reason locked",
        "deeper tries 1 2 last yes",
        "Roles flag is_staff group editors",
        "nothing none",
        "empty none",
        "no no",
    ):
        assert fact in page


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        (["a", "b"], "Details a b"),
        ("only text", "Details only text"),
        (7, "Details 7"),
        ({"deep": [[[[[[[[[["end"]]]]]]]]]]}, "Details deep [['end']]"),
    ],
)
def test_metadata_of_another_shape_is_shown(reader, metadata, shown):
    entry = AuditLog(event="auth.logout", outcome="success", created_at=NOON, metadata=metadata)
    entry.save()

    assert shown in html.unescape(text(reader.get(detail(entry))))


def test_hostile_values_are_inert(reader):
    hostile = "<script>alert(1)</script>"
    entry = row(
        "auth.login.failure",
        username=hostile,
        email=hostile,
        user_agent=hostile * 500,
        path=f"/{hostile}",
        request_id=hostile,
        metadata={hostile: hostile, "list": [hostile], "role": {"kind": hostile, "name": hostile}},
    )

    page = reader.get(detail(entry)).content.decode()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_forged_row_cannot_turn_the_text_round(reader):
    columns = ("username", "email", "actor_username", "user_agent", "session_ref", "request_id")
    columns += ("method", "path", "salt", "leaf", "signature")
    entry = AuditLog(
        event=f"{OVERRIDE}auth.logout",
        outcome=f"{OVERRIDE}ok",
        created_at=NOON,
        metadata={f"{OVERRIDE}key": [f"{OVERRIDE}value"]},
        **dict.fromkeys(columns, f"{OVERRIDE}x"),
    )
    entry.save()

    page = reader.get(detail(entry)).content.decode()

    assert OVERRIDE not in page
    assert "\\u202ex" in page


def test_the_page_names_the_entry_in_the_sites_time(reader):
    entry = row(username="bob")

    page = text(reader.get(detail(entry)))

    assert page.count("Signed out, bob, 2026-07-01 14:00:00") == 1


def test_closing_leads_back_to_the_filtered_list(reader):
    row(username="bob")
    page = reader.get(LIST, {"event": "auth.logout"}).content.decode()

    assert "?_changelist_filters=event%3Dauth.logout" in page

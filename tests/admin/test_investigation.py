"""One page for all that the log knows of an account, name, address, session or request."""

import re
from datetime import timedelta

import pytest

from django_authaudit import investigation
from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, NOON, detail, row, text


def page(client, kind, value, **parameters):
    return client.get(f"{LIST}investigate/{kind}/", {"of": value, **parameters})


def minute(n):
    return NOON + timedelta(minutes=n)


@pytest.fixture
def story(reader, bob, alice):
    """Bob is guessed at, signs in, is made an editor by Alice and refused something."""
    own = {"user_id": bob.pk, "username": "bob", "user_agent": "Firefox"}
    acts = {**own, "actor_id": bob.pk, "actor_username": "bob"}
    guess = {**own, "ip_address": "198.51.100.9", "metadata": {"reason": "invalid_password"}}
    row("auth.login.failure", at=minute(0), **guess)
    row("auth.login.success", at=minute(1), ip_address="203.0.113.7", session_ref="s1", **acts)
    row(
        "authz.role.granted",
        at=minute(2),
        user_id=bob.pk,
        username="bob",
        actor_id=alice.pk,
        actor_username="alice",
        request_id="grant",
        metadata={"role": {"kind": "group", "name": "editors"}},
    )
    row("authz.forbidden", at=minute(3), ip_address="203.0.113.7", session_ref="s1", **acts)
    row("auth.login.failure", at=minute(4), **guess)
    row("auth.login.failure", at=minute(5), **guess)
    row("auth.login.failure", at=minute(6), username="admin", ip_address="198.51.100.9")
    return reader


def timeline(response):
    cell = r'class="field-what"><a href="[^"]*"><span title="([^"]*)"'
    return re.findall(cell, page_of(response))


def page_of(response):
    assert response.status_code == 200
    return response.content.decode()


def test_an_account_is_told_newest_first_with_its_facts(story, bob):
    response = page(story, "account", bob.pk)

    assert timeline(response) == [
        "auth.login.failure",
        "auth.login.failure",
        "authz.forbidden",
        "authz.role.granted",
        "auth.login.success",
        "auth.login.failure",
    ]
    shown = text(response)
    assert "Account bob" in shown
    assert "First seen 2026-07-01 14:00:00.000 CEST" in shown
    assert "Last seen 2026-07-01 14:05:00.000 CEST" in shown
    assert "Entries 6 entries" in shown
    assert "Last signed in 2026-07-01 14:01:00.000 CEST" in shown
    assert "Failures since then 2" in shown
    assert "Roles group editors" in shown
    assert "MFA no factor enrolled, by the log" in shown
    assert "198.51.100.9 3 3 2026-07-01 14:05:00" in shown
    assert "203.0.113.7 2 1 2026-07-01 14:03:00" in shown
    assert "told from the newest 6 entries" in shown


def test_what_an_account_did_to_others_is_in_its_timeline(story, alice):
    response = page(story, "account", alice.pk)

    assert timeline(response) == ["authz.role.granted"]
    assert "bob" in text(response)


def test_an_address_leads_to_every_account_that_it_tried(story, bob):
    response = page(story, "address", "198.51.100.9")

    assert len(timeline(response)) == 4
    shown = page_of(response)
    assert f'href="{LIST}investigate/account/?of={bob.pk}"' in shown
    assert f'href="{LIST}investigate/name/?of=admin"' in shown
    assert "Last signed in \u2013" in text(response)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("session", "s1", ["authz.forbidden", "auth.login.success"]),
        ("request", "grant", ["authz.role.granted"]),
        ("name", "admin", ["auth.login.failure"]),
        ("name", "alice", ["authz.role.granted"]),
        ("address", "[203.0.113.7]:443", ["authz.forbidden", "auth.login.success"]),
        ("account", 424242, []),
    ],
)
def test_sessions_requests_and_names_have_a_page_too(story, kind, value, expected):
    response = page(story, kind, value)

    assert timeline(response) == expected
    assert ("No entries." in text(response)) == (not expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("account", "x"), ("account", ""), ("address", "x"), ("session", ""), ("planet", "7")],
)
def test_what_is_no_account_or_address_is_not_found(reader, kind, value):
    assert page(reader, kind, value).status_code == 404


@pytest.mark.parametrize("value", ["\0", "<script>alert(1)</script>", "\u202e", "x" * 10_000])
def test_hostile_values_are_inert(reader, value):
    row("auth.login.failure", username=value, user_agent=value)
    shown = page_of(page(reader, "name", value))

    assert "<script>alert" not in shown
    assert "\u202e" not in shown
    assert len(timeline(page(reader, "name", value))) == 1


def test_an_address_that_was_typed_for_a_name_has_a_page(reader, bob):
    entry = row("auth.login.failure", at=minute(0), email="eve@example.com")
    row("auth.login.failure", at=minute(1), username="eve@example.com", ip_address="203.0.113.7")
    row("auth.login.success", at=minute(2), user_id=bob.pk, username="bob", email="bob@x.example")
    (link,) = re.findall(
        r'href="([^"]*investigate/name/[^"]*)"', page_of(reader.get(detail(entry)))
    )

    shown = reader.get(link)

    assert timeline(shown) == ["auth.login.failure"] * 2
    assert "Failures since then 2" in text(shown)


def test_the_timeline_is_paged(reader, bob, monkeypatch):
    monkeypatch.setattr("django_authaudit.admin.investigate.PAGE", 2)
    for n in range(5):
        row(at=minute(n), user_id=bob.pk, username="bob", path=f"/{n}")
    path = f"{LIST}investigate/account/"

    first = page(reader, "account", bob.pk)
    second = reader.get(path + first.context["investigation"].older_url)
    third = reader.get(path + second.context["investigation"].older_url)

    def paths(response):
        return [entry.path for entry in response.context["investigation"].page.entries]

    assert [paths(p) for p in (first, second, third)] == [["/4", "/3"], ["/2", "/1"], ["/0"]]
    assert paths(reader.get(path + third.context["investigation"].newer_url)) == ["/2", "/1"]
    assert not third.context["investigation"].older_url
    assert page(reader, "account", bob.pk, before="x").status_code == 400


def test_before_the_very_first_id_is_nothing_and_no_error(reader, bob):
    row("auth.login.success", user_id=bob.pk, username="bob")

    response = page(reader, "account", bob.pk, before="0" * 32)

    assert timeline(response) == []
    back = response.context["investigation"].newer_url
    assert timeline(reader.get(f"{LIST}investigate/account/{back}")) == ["auth.login.success"]


def roles(bob):
    found = investigation.facts(investigation.Subject("account", bob.pk))
    return [state.facts["role"]["name"] for state in found.roles]


def test_roles_are_those_granted_and_neither_revoked_nor_rolled_back(reader, bob):
    def change(event, name, n, **values):
        role = {"role": {"kind": "group", "name": name}}
        row(event, at=minute(n), user_id=bob.pk, username="bob", metadata=role, **values)

    change("authz.role.granted", "editors", 0)
    change("authz.role.granted", "writers", 1)
    change("authz.role.granted", "undone", 2, outcome="failure")
    change("authz.role.revoked", "writers", 3)
    change("authz.role.revoked", "editors", 4)
    change("authz.role.granted", "editors", 5)

    assert roles(bob) == ["editors"]


def test_mfa_factors_are_those_enrolled_and_not_removed(reader, bob):
    def change(event, factor, n):
        facts = {"via": "otp", "kind": "totp", "factor": factor}
        row(event, at=minute(n), user_id=bob.pk, username="bob", metadata=facts)

    change("auth.mfa.enrolled", 1, 0)
    change("auth.mfa.enrolled", 2, 1)
    change("auth.mfa.removed", 1, 2)

    assert "MFA totp" in text(page(reader, "account", bob.pk))
    found = investigation.facts(investigation.Subject("account", bob.pk))
    assert [state.facts["factor"] for state in found.factors] == [2]


def test_a_flood_of_failures_hides_neither_role_nor_factor(reader, bob, alice, monkeypatch):
    monkeypatch.setattr(investigation, "DEPTH", 3)
    for name, at in (("editors", 1), ("owners", 2)):
        role = {"role": {"kind": "group", "name": name}}
        row("authz.role.granted", at=minute(at), user_id=bob.pk, metadata=role)
    row("authz.role.revoked", at=minute(3), user_id=bob.pk, metadata=role)
    other = {"role": {"kind": "group", "name": "others"}}
    row("authz.role.granted", at=minute(3), user_id=alice.pk, metadata=other)
    row("authz.role.granted", at=minute(3), user_id=bob.pk, outcome="failure", metadata=other)
    factor = {"via": "django_otp", "kind": "totp", "factor": 4}
    row("auth.mfa.enrolled", at=minute(4), user_id=bob.pk, metadata=factor)
    for n in range(5, 9):
        row("auth.login.failure", at=minute(n), user_id=bob.pk, username="bob")

    shown = text(page(reader, "account", bob.pk))

    assert "Roles group editors MFA totp" in shown


def test_metadata_of_another_shape_is_no_role(reader, bob):
    entry = AuditLog(
        event="authz.role.granted",
        outcome="success",
        created_at=NOON,
        user_id=bob.pk,
        metadata=["odd"],
    )
    entry.save()
    row("authz.role.granted", user_id=bob.pk, username="bob")

    assert page(reader, "account", bob.pk).status_code == 200


def test_an_investigation_reads_a_bounded_number_of_entries(story, bob, queries):
    with queries() as captured:
        page(story, "account", bob.pk)

    reads = captured.of_the_log
    assert all("LIMIT" in sql or " IN (" in sql for sql in reads)
    assert len(reads) <= 16


def test_who_may_not_view_the_log_may_not_investigate(client, bob, alice):
    bob.is_staff = True
    bob.save()
    client.force_login(bob)

    assert page(client, "account", alice.pk).status_code == 403
    client.logout()
    assert page(client, "account", alice.pk).status_code == 302


def test_an_entry_leads_to_its_account_address_session_and_request(reader, bob):
    entry = row(
        user_id=bob.pk, username="bob", ip_address="203.0.113.7", session_ref="s", request_id="r"
    )
    nameless = row("auth.login.failure", username="nobody")

    shown = page_of(reader.get(detail(entry)))

    for end in (
        f"account/?of={bob.pk}",
        "address/?of=203.0.113.7",
        "session/?of=s",
        "request/?of=r",
    ):
        assert f'href="{LIST}investigate/{end}"' in shown
    assert f"{LIST}investigate/name/?of=nobody" in page_of(reader.get(detail(nameless)))

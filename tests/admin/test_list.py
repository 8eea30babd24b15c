from datetime import timedelta

import pytest
from django.test import override_settings
from django.utils import translation

from django_authaudit.models import AuditLog
from tests.admin.conftest import LIST, NOON, cell, names, row, text

OVERRIDE = "\u202e"


def test_a_row_tells_its_story(reader, bob):
    row(
        "auth.login.failure",
        user_id=bob.pk,
        username="bob",
        ip_address="203.0.113.7",
        method="POST",
        path="/login/",
        metadata={"reason": "invalid_password"},
    )

    page = text(reader.get(LIST))

    story = "2026-07-01 14:00:00 Sign-in failed ✗ failure bob - 203.0.113.7 POST /login/"
    assert f"{story} wrong password" in page


def test_the_newest_entry_comes_first(reader):
    row(username="first", at=NOON)
    row(username="third", at=NOON + timedelta(days=400))
    row(username="second", at=NOON + timedelta(milliseconds=1))

    assert names(reader.get(LIST)) == ["third", "second", "first"]


@pytest.mark.parametrize("order", ["1", "-2", "4.-5", "x", "99"])
def test_no_column_can_be_sorted_by(reader, order):
    row(username="b", at=NOON)
    row(username="c", at=NOON + timedelta(seconds=1))
    row(username="a", at=NOON + timedelta(seconds=2))

    response = reader.get(LIST, {"o": order})

    assert names(response) == ["a", "c", "b"]
    assert "sortable" not in response.content.decode()


def test_the_time_is_the_sites_and_utc_on_hover(reader):
    row(at=NOON + timedelta(milliseconds=345))

    when = cell(reader.get(LIST), "when")

    assert 'datetime="2026-07-01T12:00:00.345+00:00"' in when
    assert 'title="2026-07-01 12:00:00.345 UTC"' in when
    assert ">2026-07-01 14:00:00<" in when


def test_the_event_is_in_words_and_its_code_on_hover(reader):
    row("auth.password_reset.requested")

    what = cell(reader.get(LIST), "what")

    assert 'title="auth.password_reset.requested"' in what
    assert ">Password reset requested<" in what


def test_an_event_that_nobody_registered_is_its_code(reader):
    row("legacy.thing", outcome="success")

    assert ">legacy.thing<" in cell(reader.get(LIST), "what")


@pytest.mark.parametrize(
    ("outcome", "sign", "look"),
    [("success", "✓", "success"), ("failure", "✗", "failure"), ("odd", "?", "unknown")],
)
def test_the_outcome_is_seen_without_colours_too(reader, outcome, sign, look):
    row(outcome=outcome)

    result = cell(reader.get(LIST), "result")

    assert f"authaudit-{look}" in result
    assert f'<span aria-hidden="true">{sign}</span> {outcome}<' in result


def test_user_and_actor_are_both_named(reader, alice, bob):
    row(
        "authz.role.granted",
        user_id=bob.pk,
        username="bob",
        actor_id=alice.pk,
        actor_username="alice",
        metadata={"role": {"kind": "group", "name": "editors"}},
    )

    response = reader.get(LIST)

    assert f'href="?user_id={bob.pk}"' in cell(response, "who")
    assert "bob" in cell(response, "who")
    assert f'href="?actor_id={alice.pk}"' in cell(response, "by_whom")
    assert "alice" in cell(response, "by_whom")
    assert "group editors" in cell(response, "why")


def test_an_own_act_does_not_repeat_the_name(reader, bob):
    row(user_id=bob.pk, username="bob", actor_id=bob.pk, actor_username="bob")

    assert "self" in cell(reader.get(LIST), "by_whom")


def test_a_name_without_an_account_leads_to_the_search(reader):
    row("auth.login.failure", username="no&body")

    who = cell(reader.get(LIST), "who")

    assert 'href="?q=no%26body"' in who
    assert "authaudit-no-account" in who


def test_an_entry_without_a_name_shows_the_address_that_was_typed(reader):
    row("auth.password_reset.requested", email="who@example.com")

    assert "who@example.com" in cell(reader.get(LIST), "who")


def test_a_deleted_account_keeps_its_name(reader):
    row("account.deleted", user_id=424242, username="gone", actor_id=434343)

    response = reader.get(LIST)

    assert "gone" in cell(response, "who")
    assert "#434343" in cell(response, "by_whom")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"reason": "unknown_user"}, "unknown user name"),
        ({"reason": "CSRF cookie not set."}, "CSRF cookie not set."),
        ({"reason": 7}, "7"),
        ({"group": "editors", "permission": "auth.add_user"}, "group editors · permission auth"),
        ({"old": "bob", "new": "rob"}, "bob → rob"),
        ({"by": "admin"}, "by another user"),
        ({"exception": "PermissionDenied"}, "PermissionDenied"),
        ({"by": "self", "rolled_back": True}, "by the owner · rolled back"),
        ({"session_kept": False}, "session not kept"),
        ({"session_kept": True}, "session kept"),
        ({"role": "an older form"}, "an older form"),
        ({}, "-"),
    ],
)
def test_the_reason_is_in_words(reader, metadata, words):
    row(metadata=metadata)

    assert words in cell(reader.get(LIST), "why")


def test_metadata_of_another_shape_is_no_error(reader):
    AuditLog(event="auth.logout", outcome="success", created_at=NOON, metadata=["odd"]).save()

    assert cell(reader.get(LIST), "why") == "-"


def test_hostile_values_are_inert(reader):
    row(
        "auth.login.failure",
        username="<script>alert(1)</script>",
        path='/"><img src=x onerror=alert(2)>',
        metadata={"reason": "<b>bold</b>"},
    )

    page = reader.get(LIST).content.decode()

    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "<b>bold" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_forged_row_cannot_turn_the_text_round(reader):
    AuditLog(
        event=f"auth.{OVERRIDE}logout",
        outcome=f"{OVERRIDE}ok",
        created_at=NOON,
        username=f"bob{OVERRIDE}nimda",
        actor_username=f"{OVERRIDE}x",
        path=f"/{OVERRIDE}gpj.exe",
        metadata={"reason": f"{OVERRIDE}fine"},
    ).save()

    page = reader.get(LIST).content.decode()

    assert OVERRIDE not in page
    assert "bob\\u202enimda" in page


def test_ten_thousand_characters_are_clipped_and_whole_on_hover(reader):
    row(username="x" * 10_000, user_agent="y" * 10_000, path="/" + "z" * 10_000)

    who = cell(reader.get(LIST), "who")

    assert 'class="authaudit-short"' in who
    assert "x" * 254 + "…" in who


def test_the_number_of_entries_is_said(reader):
    assert "0 entries" in text(reader.get(LIST))
    row()
    assert "1 entry" in text(reader.get(LIST))


@pytest.mark.parametrize("parameter", ["_facets", "all", "_popup", "e"])
def test_djangos_other_parameters_are_no_error(reader, parameter):
    row(username="bob")

    assert names(reader.get(LIST, {parameter: "1"})) == ["bob"]


def test_the_page_is_in_the_readers_language(reader):
    row("auth.login.failure", metadata={"reason": "unknown_user"})

    with translation.override("de"), override_settings(LANGUAGE_CODE="de"):
        page = reader.get(LIST, headers={"accept-language": "de"})

    assert page.status_code == 200
    assert "Suchen" in page.content.decode()

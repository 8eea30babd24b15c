"""Pages begin and end at entries, so that what comes in meanwhile moves nothing."""

from datetime import timedelta

import pytest

from tests.admin.conftest import LIST, NOON, names, row, text


@pytest.fixture
def ten(reader, monkeypatch):
    """Reader of a log of ten entries, "0" to "9", one a minute, four a page."""
    monkeypatch.setattr("django_authaudit.admin.AuditLogAdmin.list_per_page", 4)
    for n in range(10):
        row(username=str(n), at=NOON + timedelta(minutes=n))
    return reader


def follow(reader, page, name):
    url = getattr(page.context["cl"], f"{name}_url")
    assert url, f"no link to the {name} page"
    return reader.get(LIST + url)


def links(page):
    names = ("newest", "newer", "older", "oldest")
    return {name for name in names if getattr(page.context["cl"], f"{name}_url")}


def test_every_entry_is_on_one_page_and_the_way_back_is_the_same(ten):
    first = ten.get(LIST)
    second = follow(ten, first, "older")
    third = follow(ten, second, "older")

    assert [names(page) for page in (first, second, third)] == [
        ["9", "8", "7", "6"],
        ["5", "4", "3", "2"],
        ["1", "0"],
    ]
    assert names(follow(ten, third, "newer")) == ["5", "4", "3", "2"]
    assert links(first) == {"older", "oldest"}
    assert links(second) == {"newest", "newer", "older", "oldest"}
    assert links(third) == {"newest", "newer"}


def test_the_oldest_page_is_full_and_leads_on(ten):
    oldest = follow(ten, ten.get(LIST), "oldest")

    assert names(oldest) == ["3", "2", "1", "0"]
    assert links(oldest) == {"newest", "newer"}
    assert names(follow(ten, oldest, "newer")) == ["7", "6", "5", "4"]
    assert names(follow(ten, oldest, "newest")) == ["9", "8", "7", "6"]


def test_the_last_page_on_the_way_to_the_newest_is_full(ten):
    page = follow(ten, ten.get(LIST), "oldest")
    while "newer" in links(page):
        page = follow(ten, page, "newer")

    assert names(page) == ["9", "8", "7", "6"]
    assert links(page) == {"older", "oldest"}


def test_what_comes_in_meanwhile_moves_no_page(ten):
    first = ten.get(LIST)
    row(username="new", at=NOON + timedelta(hours=1))

    assert names(follow(ten, first, "older")) == ["5", "4", "3", "2"]


def test_a_time_is_jumped_to(ten):
    page = ten.get(LIST, {"at": "2026-07-01T14:05"})

    assert names(page) == ["5", "4", "3", "2"]
    assert 'name="at" value="2026-07-01T14:05"' in page.content.decode()
    assert names(follow(ten, page, "newer")) == ["9", "8", "7", "6"]
    assert names(follow(ten, page, "older")) == ["1", "0"]


@pytest.mark.parametrize(
    ("moment", "expected"), [("2000-01-01T00:00", []), ("2100-01-01T00:00", ["9", "8", "7", "6"])]
)
def test_a_time_outside_the_log_leads_to_its_end(ten, moment, expected):
    page = ten.get(LIST, {"at": moment})

    assert names(page) == expected
    assert "newest" in links(page)
    assert names(follow(ten, page, "newer"))[-1] in ("0", "6")


def test_pages_keep_filters_and_the_search(ten):
    row("auth.login.failure", username="odd", at=NOON)
    wanted = {"event": "auth.logout", "since": "2026-07-01T14:02"}

    second = follow(ten, ten.get(LIST, wanted), "older")

    assert names(second) == ["5", "4", "3", "2"]
    assert links(second) == {"newest", "newer"}
    page = second.content.decode()
    form = page[page.index('class="authaudit-jump"') :].partition("</form>")[0]
    assert '<input type="hidden" name="event" value="auth.logout">' in form
    assert 'name="before"' not in form


def test_a_filter_begins_at_its_newest_page(ten):
    second = follow(ten, ten.get(LIST), "older").content.decode()

    assert 'href="?outcome=failure"' in second


@pytest.mark.parametrize("name", ["before", "after", "at"])
@pytest.mark.parametrize("value", ["x", "\0", "0", "9" * 5000, "9999-12-31T23:59:59.999999"])
def test_a_position_that_is_none_is_no_error(ten, name, value):
    response = ten.get(LIST, {name: value}, follow=True)

    assert response.status_code == 200
    assert "10 entries" in text(response)


def test_an_empty_list_has_no_other_pages(reader):
    assert links(reader.get(LIST)) == set()
    assert links(reader.get(LIST, {"event": "auth.login.failure"})) == set()

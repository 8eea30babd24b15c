"""A request that comes too often is rate limited, not forbidden, and one entry."""

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache

from django_authaudit import sources
from tests.sources.recorded import PASSWORD, WRONG, failure

VIEWS = "tests.sources.views_ratelimit"


@pytest.fixture(autouse=True)
def forget_requests():
    cache.clear()


@pytest.fixture
def without_its_middleware(settings):
    settings.MIDDLEWARE = django_settings.WITHOUT_ITS_MIDDLEWARE


def limited(path, view, method="GET", **facts):
    facts |= {"view": f"{VIEWS}.{view}", "via": "ratelimit"}
    return failure("authz.rate_limited", at=f"{method} {path}", **facts)


def ask_twice(client, path, **query):
    assert client.get(path, query).status_code == 200
    return client.get(path, query).status_code


def test_the_exception_is_rate_limited(without_its_middleware, client, log):
    assert ask_twice(client, "/limited/") == 403

    assert log.new() == [limited("/limited/", "limited")]


def test_it_names_who_is_signed_in(without_its_middleware, as_bob, bob, log):
    ask_twice(as_bob, "/limited/")

    assert log.new() == [limited("/limited/", "limited", user=bob, actor=bob)]


def test_under_asgi_it_is_one_entry(without_its_middleware, async_client, log):
    assert ask_twice(async_client, "/limited/") == 403

    assert log.new() == [limited("/limited/", "limited")]


@pytest.mark.parametrize("status", [200, 403, 429, 503])
def test_what_its_middleware_answers_is_one_entry_whatever_the_status(client, log, status):
    assert ask_twice(client, "/limited/", status=status) == status

    assert log.new() == [limited("/limited/", "limited")]


def test_its_middleware_leaves_other_refusals_alone(client, log):
    client.get("/forbidden/")

    assert [row["event"] for row in log.new()] == ["authz.forbidden"]


@pytest.mark.parametrize("status", [403, 429])
def test_a_view_that_refuses_what_came_too_often(client, log, status):
    assert ask_twice(client, "/asks/", status=status) == status

    assert log.new() == [limited("/asks/", "asks")]


def test_a_view_that_raises_for_what_came_too_often(client, log):
    assert ask_twice(client, "/asks/", deny="yes") == 403

    assert log.new() == [limited("/asks/", "asks")]


def test_a_view_that_lets_it_pass_is_nothing(client, log):
    assert ask_twice(client, "/asks/") == 200

    assert log.new() == []


def test_a_view_that_fails_otherwise_is_nothing(client, log):
    assert ask_twice(client, "/asks/", lose="yes") == 404

    assert log.new() == []


def test_a_view_that_asks_and_raises_without_the_decorator(without_its_middleware, client, log):
    assert ask_twice(client, "/raises/") == 403

    assert log.new() == [limited("/raises/", "raises")]


@pytest.mark.parametrize(("path", "view"), [("/api/", "Api"), ("/api-dispatch/", "ApiDispatch")])
def test_a_view_of_django_rest_framework(without_its_middleware, client, log, path, view):
    assert ask_twice(client, path) == 403

    assert log.new() == [limited(path, view)]


def test_a_login_that_comes_too_often_is_no_failed_login(without_its_middleware, client, bob, log):
    path = "/limited-login/"
    client.post(path, {"username": "bob", "password": WRONG})
    client.post(path, {"username": "bob", "password": PASSWORD})

    wrong = failure("auth.login.failure", user=bob, at=f"POST {path}", reason="invalid_password")
    assert log.new() == [wrong, limited(path, "Login", "POST")]


def test_a_path_that_no_view_has_is_named_without_one(client, log, settings):
    """A middleware may limit before the URL is resolved."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{VIEWS}.LimitEverything"]
    cache.clear()
    client.get("/")
    client.get("/")

    entry = failure("authz.rate_limited", at="GET /", via="ratelimit")
    assert log.new() == [entry]


def test_connecting_twice_records_nothing_twice(client, log):
    sources.connect_all()
    ask_twice(client, "/limited/")

    assert log.new() == [limited("/limited/", "limited")]

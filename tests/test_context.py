import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import ResolverMatch
from django.utils.functional import SimpleLazyObject
from django.views import View

from django_authaudit import context


def test_outside_a_request_there_is_no_context():
    assert context.current() is None
    context.note_exception(ValueError())


def test_a_request_in_a_request_ends_where_it_began():
    outer, inner = HttpRequest(), HttpRequest()
    outer_scope = context.enter(outer)
    inner_scope = context.enter(inner)
    assert context.current() is inner_scope
    context.leave(inner_scope)
    assert context.current() is outer_scope
    context.leave(outer_scope)
    assert context.current() is None


def test_a_request_of_rest_framework_stands_for_djangos():
    django_request = HttpRequest()

    class Wrapping:
        _request = django_request

    assert context.underlying(Wrapping()) is django_request
    assert context.underlying(django_request) is django_request
    assert context.underlying(None) is None


def test_nobody_is_asked_who_is_signed_in():
    request = HttpRequest()
    assert context.signed_in(None) is None
    assert context.signed_in(request) is None
    request.user = AnonymousUser()
    assert context.signed_in(request) is None
    request.user = bob = User(pk=7, username="bob")
    assert context.signed_in(request) is bob
    request.user = SimpleLazyObject(lambda: pytest.fail("asked"))
    assert context.signed_in(request) is context.UNKNOWN
    request._acached_user = bob
    assert context.signed_in(request) is bob
    request._cached_user = AnonymousUser()
    assert context.signed_in(request) is None


def test_an_account_without_a_key_is_none():
    assert context.known(User(username="new")) is None


@pytest.mark.parametrize(
    ("sent", "trusted", "taken"),
    [
        ("0190c5a1-7e3b", True, True),
        ("0190c5a1-7e3b", False, False),
        ("short", True, False),
        ("with space inside", True, False),
        ("x" * 200, True, False),
        ("line\nbreak-break", True, False),
    ],
)
def test_a_request_id_is_taken_from_a_trusted_proxy_alone(settings, sent, trusted, taken):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["127.0.0.1"] if trusted else []
    request = RequestFactory().get("/", headers={"X-Request-ID": sent})
    facts = context.request_facts(request)
    assert (facts["request_id"] == sent) == taken
    assert len(facts["request_id"]) >= 8
    assert context.request_facts(request)["request_id"] == facts["request_id"]


def test_a_bare_request_has_facts_too():
    facts = context.request_facts(HttpRequest())
    assert facts["ip_address"] is None
    assert facts["path"] == ""
    assert facts["method"] == ""


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/share/abc/", "/share/********/"),
        ("/nowhere/0123456789abcdef0123456789abcdef/", "/nowhere/********/"),
        ("/forbidden/?token=abc", "/forbidden/"),
    ],
)
def test_secrets_in_the_path_are_masked_and_the_query_is_not_kept(path, masked):
    assert context.request_facts(RequestFactory().get(path))["path"] == masked


def test_secrets_in_the_path_are_masked_by_the_urls_that_the_request_has_of_its_own(settings):
    settings.ROOT_URLCONF = "tests.urls_account_alone"
    request = RequestFactory().get("/share/abc/")
    request.urlconf = "tests.urls"
    assert context.request_facts(request)["path"] == "/share/********/"


def test_a_session_is_named_by_a_keyed_hash(settings):
    reference = context.session_ref("abc")
    assert len(reference) == 32
    assert context.session_ref("abc") == reference
    settings.SECRET_KEY = "another"
    assert context.session_ref("abc") != reference
    assert context.session_ref(None) == ""


def test_a_view_is_named_by_its_dotted_path():
    assert context.view_name(None) == ""
    request = RequestFactory().get("/")
    assert context.view_name(request) == ""
    assert context.view_class(request) is None


def test_a_view_set_of_rest_framework_has_a_class_as_other_views_have():
    from rest_framework.viewsets import ViewSet

    class Own(ViewSet):
        def list(self, request):
            raise AssertionError

    request = RequestFactory().get("/")
    for view, expected in (
        (Own.as_view({"get": "list"}), Own),
        (View.as_view(), View),
        (len, None),
    ):
        request.resolver_match = ResolverMatch(view, (), {})
        assert context.view_class(request) is expected

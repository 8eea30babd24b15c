import asyncio

import pytest
from asgiref.sync import iscoroutinefunction
from django.http import HttpResponse

from django_authaudit import context, observers
from django_authaudit.middleware import AuditMiddleware


@pytest.fixture
def shown(monkeypatch):
    """Return what observers are shown."""
    seen = []
    monkeypatch.setattr(observers, "_observers", [])
    observers.on_response(lambda *args: seen.append(args))
    return seen


def test_the_response_is_shown_with_the_request_and_the_exception(shown, rf):
    request, response, error = rf.get("/"), HttpResponse(), ValueError()

    def view(request):
        assert context.current().request is request
        middleware.process_exception(request, error)
        return response

    middleware = AuditMiddleware(view)
    assert middleware(request) is response
    assert shown == [(request, response, error)]
    assert context.current() is None


def test_a_request_that_ends_without_a_response_is_shown_too(shown, rf):
    def view(request):
        raise SystemExit

    request = rf.get("/")
    with pytest.raises(SystemExit):
        AuditMiddleware(view)(request)
    assert shown == [(request, None, None)]
    assert context.current() is None


def test_it_is_async_where_the_next_is(shown, rf):
    async def view(request):
        return HttpResponse()

    middleware = AuditMiddleware(view)
    assert iscoroutinefunction(middleware)
    assert asyncio.run(middleware(rf.get("/"))).status_code == 200
    assert len(shown) == 1
    assert not iscoroutinefunction(AuditMiddleware(lambda request: HttpResponse()))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/forbidden/", "/forbidden-async/"])
def test_a_second_one_in_the_settings_doubles_nothing(client, settings, rows, path):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:1], *settings.MIDDLEWARE]
    client.get(path)
    assert [row.event for row in rows()] == ["authz.forbidden"]


def test_an_observer_that_raises_harms_nobody(shown, rf, caplog):
    def on_response(request, response, exception):
        raise LookupError

    observers.on_response(on_response)
    observers.on_response(on_response)
    assert AuditMiddleware(lambda request: HttpResponse())(rf.get("/")).status_code == 200
    assert len(caplog.records) == 1
    assert len(shown) == 1

"""Sources are found by being there, chosen by a setting, and harmless to whom they listen to."""

import gc

import pytest
from django.contrib.auth import signals
from django.dispatch import Signal

from django_authaudit import guard, observers, sources
from django_authaudit.sources import base, refusals
from tests.sources.recorded import PASSWORD

TYPED = {"username": "bob", "password": PASSWORD}


def test_every_module_is_a_source():
    assert {"accounts", "axes", "login", "passwords", "refusals", "roles"} <= set(
        sources.discover()
    )


def test_a_source_whose_package_is_not_installed_is_listed_and_left_alone():
    assert not sources.discover()["axes"].available
    assert "axes" not in sources.selected()


def test_the_setting_chooses(settings):
    settings.AUTHAUDIT_SOURCES = ["login", "axes"]

    assert set(sources.selected()) == {"login"}


def test_without_the_setting_all_available_sources_are_connected():
    assert set(sources.selected()) >= {"accounts", "login", "passwords", "refusals", "roles"}


def test_connecting_twice_records_nothing_twice(client, bob, log):
    sources.connect_all()
    client.post("/admin/login/", TYPED)
    client.post("/login/", TYPED)
    client.get("/forbidden/")
    bob.is_staff = True
    bob.save()

    assert [row["event"] for row in log.new()] == [
        "auth.login.failure",
        "auth.login.success",
        "authz.forbidden",
        "authz.role.granted",
    ]


def test_an_observer_is_registered_once():
    known = len(observers._observers)
    observers.on_response(refusals.on_response)

    assert len(observers._observers) == known


def test_a_receiver_that_breaks_does_not_break_the_login(client, bob, log, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr("django_authaudit.sources.login.recorder.note", broken)
    response = client.post("/login/", TYPED)

    assert response.status_code == 302
    assert "sessionid" in client.cookies
    assert guard.failures.pop("django_authaudit.sources.login.on_user_logged_in") == 1


def test_a_receiver_that_nothing_else_refers_to_goes_on_listening(own):
    heard = []
    signal = Signal()

    def connect():
        own().listen(signal, lambda **kwargs: heard.append(kwargs["word"]))

    connect()
    gc.collect()
    signal.send(sender=None, word="heard")

    assert heard == ["heard"]


def test_a_project_can_disconnect_a_receiver_by_its_path(client, bob, log):
    uid = "django_authaudit.sources.login.on_user_logged_out"
    client.force_login(bob)
    log.forget()
    assert signals.user_logged_out.disconnect(dispatch_uid=uid)
    try:
        client.post("/logout/")
    finally:
        sources.discover()["login"].connect()

    assert log.new() == []


@pytest.fixture
def own():
    """A class of a project's own, and the sources as they were before it was registered."""

    class Own(base.Source):
        connections = 0

        def connect(self):
            type(self).connections += 1

    yield Own
    sources.discover().pop("own", None)
    sources._connected.discard("own")


def test_a_source_of_a_project_is_connected_when_it_is_registered(own):
    sources.register("own", own)

    assert own.connections == 1
    assert sources.why_not_connected("own") == ""


def test_a_source_of_a_project_whose_package_is_missing_is_listed_and_left_alone(own):
    own.requires = "gatehouse"

    sources.register("own", own)

    assert own.connections == 0
    assert sources.why_not_connected("own") == "gatehouse is not in INSTALLED_APPS"


def test_a_source_of_a_project_is_chosen_by_the_setting_like_any(own, settings):
    settings.AUTHAUDIT_SOURCES = ["login"]

    sources.register("own", own)

    assert own.connections == 0
    assert sources.why_not_connected("own") == "AUTHAUDIT_SOURCES does not name it"


def test_a_source_may_be_registered_again_but_no_other_under_its_name(own):
    sources.register("own", own)
    sources.register("own", own)

    with pytest.raises(ValueError, match=r"'login' is already .*django_authaudit\.sources\.login"):
        sources.register("login", own)

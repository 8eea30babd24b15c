"""Settings are read live, under their full names, and never written."""

import inspect

import pytest
from django.conf import settings as django_settings

from django_authaudit.conf import Settings, conf

NAMES = [name for name in vars(Settings) if not name.startswith("_")]
DEFAULTS = {
    "AUTHAUDIT_DATABASE": None,
    "AUTHAUDIT_MINIMUM_RETENTION_DAYS": 1,
    "AUTHAUDIT_RETENTION_DAYS": 90,
    "AUTHAUDIT_SINKS": {
        "database": {"BACKEND": "django_authaudit.sinks.database.DatabaseSink"},
    },
    "AUTHAUDIT_SOURCES": None,
    "AUTHAUDIT_SPOOL_DIR": None,
    "AUTHAUDIT_TRACK_QUERYSET_UPDATES": False,
    "AUTHAUDIT_TRUSTED_PROXIES": (),
}


@pytest.fixture
def untouched(settings):
    for name in NAMES:
        if hasattr(settings, name):
            delattr(settings, name)


@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_defaults_are_as_documented(untouched, name, default):
    assert getattr(conf, name) == default


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_read_live_under_its_own_name(settings, name):
    value = object()
    setattr(settings, name, value)
    assert getattr(conf, name) is value

    delattr(settings, name)
    assert getattr(conf, name) is not value


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_named_typed_and_described(name):
    prop = vars(Settings)[name]

    assert name.startswith("AUTHAUDIT_")
    assert isinstance(prop, property)
    assert prop.__doc__
    assert inspect.signature(prop.fget).return_annotation is not inspect.Signature.empty


def test_reading_a_default_leaves_the_project_s_settings_alone(untouched):
    before = set(dir(django_settings))
    for name in NAMES:
        getattr(conf, name)

    assert set(dir(django_settings)) == before

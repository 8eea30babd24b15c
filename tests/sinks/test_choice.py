"""Which sinks take entries in line, and which are shipped to."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from django_authaudit import record, sinks
from django_authaudit.models import AuditLog
from django_authaudit.sinks.database import DatabaseSink
from tests.sinks.receivers import DATABASE, Receiver, sink


class Near(Receiver):
    """One that takes entries in line unless the settings say otherwise."""

    in_line = True


def test_a_network_is_shipped_to_and_the_table_is_in_line(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "siem": sink()}

    assert [type(found) for found in sinks.get_sinks()] == [DatabaseSink]
    assert list(sinks.shipped_to()) == ["siem"]


def test_the_settings_choose_where_a_sink_can_do_both(settings):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "near": sink(Near)}
    assert [type(found) for found in sinks.get_sinks()] == [DatabaseSink, Near]

    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "near": {**sink(Near), "IN_LINE": False}}
    assert list(sinks.shipped_to()) == ["near"]


@pytest.mark.parametrize("value", [{}, None, ["database"]])
def test_a_setting_without_sinks_is_refused(settings, value):
    settings.AUTHAUDIT_SINKS = value

    with pytest.raises(ImproperlyConfigured, match="no dict of sinks by name, or empty"):
        sinks.get_sinks()


def test_a_class_that_is_no_sink_is_refused(settings):
    settings.AUTHAUDIT_SINKS = {"thing": {"BACKEND": "collections.OrderedDict"}}

    with pytest.raises(ImproperlyConfigured, match="OrderedDict is no subclass of"):
        sinks.get_sinks()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("batch_size", 0),
        ("batch_size", "500"),
        ("timeout", 0),
        ("timeout", "10"),
        ("timeout", None),
        ("timeout", 31),
        ("timeout", float("nan")),
    ],
)
def test_numbers_with_which_nothing_would_be_shipped_or_twice_are_refused(option, value):
    options = {"url": "https://siem.example.com/", option: value}
    config = {"BACKEND": "django_authaudit.sinks.http.HttpSink", "OPTIONS": options}

    with pytest.raises(ImproperlyConfigured, match=f"'siem'.*{option} is {value!r}"):
        sinks.make_sink("siem", config)


@pytest.mark.django_db
def test_with_nothing_in_line_entries_go_to_the_table(settings):
    settings.AUTHAUDIT_SINKS = {"siem": sink()}

    record("auth.logout")

    assert AuditLog.objects.count() == 1


@pytest.mark.parametrize("config", [None, {}, {"BACKEND": "nowhere.Sink"}, {"BACKEND": 5}])
def test_a_sink_that_is_none_is_named(settings, config):
    settings.AUTHAUDIT_SINKS = {"database": DATABASE, "broken": config}

    with pytest.raises(ImproperlyConfigured, match=r"AUTHAUDIT_SINKS\['broken'\]"):
        sinks.shipped_to()

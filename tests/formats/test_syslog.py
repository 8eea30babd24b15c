"""Entries as syslog messages, read by a parser of RFC 5424's grammar."""

import random
import re
import socket

import pytest

from django_authaudit import events
from django_authaudit.formats import syslog
from tests.formats.samples import each_event, sample, variants

# Section 6 of the RFC.
MESSAGE = re.compile(
    r"<(?P<pri>\d{1,3})>1 (?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) "
    r"(?P<host>[!-~]{1,255}) (?P<app>[!-~]{1,48}) (?P<proc>[!-~]{1,128}) (?P<id>[!-~]{1,32}) "
    r"\[(?P<data>[^= \]\"]{1,32}(?: [^= \]\"]{1,32}=\"(?:[^\"\\\]]|\\.)*\")*)\] (?P<msg>.+)"
)
PARAMETER = re.compile(r" ([^= \]\"]{1,32})=\"((?:[^\"\\\]]|\\.)*)\"")
PIECES = ['"', "\\", "]", "[", "\n", "\r", "\x00", "\u2028", "ü", "=", " ", "a", "\ud800", "\\]"]


def parse(line):
    """Return the parts of the header, and the parameters of the structured data."""
    found = MESSAGE.fullmatch(line)
    assert found, line
    return found, {
        name: re.sub(r"\\([\"\\\]])", r"\1", value)
        for name, value in PARAMETER.findall(found["data"])
    }


@each_event
def test_every_entry_is_a_message(code):
    for entry in variants(code):
        found, data = parse(syslog.dumps(entry))
        assert int(found["pri"]) // 8 == 10
        assert data["event"] == code
        assert data["id"] == str(entry.id)


@pytest.mark.parametrize("seed", range(50))
def test_no_value_gets_out_of_its_quotes(seed):
    chance = random.Random(seed)
    typed = "".join(chance.choices(PIECES, k=30))

    line = syslog.dumps(sample(events.LOGIN_FAILURE, username=typed, metadata={"reason": typed}))

    _, data = parse(line)
    assert len(line.splitlines()) == 1
    assert data["username"] == sample(events.LOGIN_FAILURE, username=typed).username
    assert set(data) <= {*syslog.columns(sample(events.LOGIN_FAILURE)), "created_at"}


@pytest.mark.parametrize(
    ("code", "severity"),
    [(events.LOGIN_SUCCESS, 6), (events.LOGIN_FAILURE, 5), (events.FORBIDDEN, 4)],
)
def test_the_severity_is_that_of_the_catalogue(code, severity):
    found, _ = parse(syslog.dumps(sample(code)))

    assert int(found["pri"]) % 8 == severity


def test_another_facility_can_be_chosen():
    assert syslog.dumps(sample(events.LOGIN_SUCCESS), facility=13).startswith("<110>1 ")


def test_a_host_and_a_site_of_any_name_stay_within_the_header(monkeypatch, settings):
    monkeypatch.setattr(socket, "gethostname", lambda: "")
    settings.AUTHAUDIT_SERVICE_NAME = "mein hafen ü" * 10

    found, _ = parse(syslog.dumps(sample(events.LOGIN_SUCCESS)))

    assert found["host"] == "-"
    assert found["app"].startswith("mein_hafen__mein")


def test_a_label_that_is_not_ascii_says_that_it_is_utf_8(monkeypatch):
    own = events.Event("billing.card_lost", "Karte für immer verloren")
    monkeypatch.setitem(events._catalogue, own.code, own)

    found, _ = parse(syslog.dumps(sample(own.code)))

    assert found["msg"] == "\ufeffKarte für immer verloren"

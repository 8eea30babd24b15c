"""Every event in every format: mapped, as agreed, one line, whatever it holds."""

import json

import pytest
from django.utils.translation import override

from django_authaudit import events, formats, mapping
from tests.formats import golden
from tests.formats.samples import CODES, each_event, sample, variants

NAMES = ["csv", "ecs", "jsonl", "ocsf", "owasp", "syslog"]
each_format = pytest.mark.parametrize("name", NAMES)


def everything():
    return [entry for code in CODES for entry in variants(code)]


@each_event
def test_every_event_of_the_catalogue_has_a_row(code):
    assert code in mapping.ROWS


@each_event
def test_an_event_is_written_as_its_golden_file_says(code):
    path = golden.FOLDER / f"{code}.json"

    assert path.is_file(), "write it: python -m tests.formats.golden"
    assert golden.written(sample(code)) == path.read_text(encoding="utf-8")


def test_there_is_no_golden_file_of_an_event_that_is_gone():
    files = {path.stem for path in golden.FOLDER.glob("*.json")}

    assert files == set(CODES)


def test_the_formats_are_found_by_being_there():
    assert [*formats.discover()] == NAMES


@each_format
def test_an_entry_is_one_line_whatever_it_holds(name):
    dumps = formats.make_format(name).dumps

    for entry in everything():
        line = dumps(entry)
        assert len(line.splitlines()) == 1
        assert "\x00" not in line
        assert line.encode()


@each_format
def test_an_event_that_a_project_has_added_is_written_too(name):
    line = formats.make_format(name).dumps(sample("billing.card_added"))

    assert "billing.card_added" in line


@each_format
def test_the_language_of_the_reader_changes_nothing(name):
    dumps = formats.make_format(name).dumps
    entry = sample(events.LOGIN_FAILURE)

    with override("de"):
        assert dumps(entry) == dumps(entry)
        german = dumps(entry)
    with override("fr"):
        assert dumps(entry) == german


@pytest.mark.parametrize("name", ["ecs", "ocsf", "owasp", "syslog"])
def test_the_site_is_called_what_the_setting_says(name, settings):
    settings.AUTHAUDIT_SERVICE_NAME = "harbour"

    assert "harbour" in formats.make_format(name).dumps(sample(events.LOGIN_SUCCESS))


@pytest.mark.parametrize("name", ["ecs", "jsonl", "ocsf", "owasp"])
def test_what_is_json_is_ascii(name):
    for entry in everything():
        line = formats.make_format(name).dumps(entry)
        assert line.isascii()
        assert isinstance(json.loads(line), dict)


def test_a_format_knows_how_its_file_is_called():
    csv, ecs, syslog = map(formats.make_format, ("csv", "ecs", "syslog"))

    assert (csv.suffix, csv.media_type) == ("csv", "text/csv")
    assert (ecs.suffix, ecs.media_type) == ("jsonl", "application/x-ndjson")
    assert (syslog.suffix, syslog.media_type) == ("log", "text/plain")
    assert csv.header.startswith("created_at,event,")
    assert ecs.header == ""


def test_an_unknown_format_is_refused_with_the_names_of_those_there_are():
    with pytest.raises(ValueError, match=r"'xml' is no format\. There are csv, ecs, jsonl,"):
        formats.make_format("xml")


def test_an_option_that_a_format_does_not_have_is_refused():
    with pytest.raises(ValueError, match="The format 'ecs' has no option 'version'"):
        formats.make_format("ecs", version="1")


@pytest.mark.parametrize(
    ("name", "options"), [("ocsf", {"version": "1.4.0"}), ("syslog", {"facility": 24})]
)
def test_a_value_that_an_option_cannot_have_is_refused_before_the_first_entry(name, options):
    with pytest.raises(ValueError, match=str(*options.values())):
        formats.make_format(name, **options)


def test_a_severity_of_a_project_s_own_counts_as_information(monkeypatch):
    own = events.Event("billing.card_lost", "Card lost", severity="urgent")
    monkeypatch.setitem(events._catalogue, own.code, own)

    assert json.loads(formats.make_format("ocsf").dumps(sample(own.code)))["severity_id"] == 1

"""What people read is there in German and French too."""

import gettext
import re
from pathlib import Path

import pytest
from django.utils.translation import override

import django_authaudit
from django_authaudit import events

LOCALE = Path(django_authaudit.__file__).parent / "locale"
LANGUAGES = sorted(path.name for path in LOCALE.iterdir())
PACKAGE = LOCALE.parent


def catalogue(language):
    with (LOCALE / language / "LC_MESSAGES/django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def messages(language):
    """Return the messages of the .po file: (msgid, whether it is translated and not fuzzy)."""
    text = (LOCALE / language / "LC_MESSAGES/django.po").read_text(encoding="utf-8")
    for block in text.split("\n\n")[1:]:
        msgid = re.search(r'^msgid ((?:".*"\n?)+)', block, re.MULTILINE)
        if msgid and not block.startswith("#~"):
            forms = re.findall(r'^msgstr(?:\[\d\])? ((?:".*"\n?)+)', block, re.MULTILINE)
            translated = all("".join(re.findall(r'"(.*)"', form)) for form in forms)
            yield "".join(re.findall(r'"(.*)"', msgid[1])), translated and ", fuzzy" not in block


def test_german_and_french_are_there():
    assert LANGUAGES == ["de", "fr"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_is_translated_and_compiled(language):
    found = dict(messages(language))
    assert len(found) > 150
    assert [msgid for msgid, translated in found.items() if not translated] == []
    compiled = catalogue(language)._catalog
    ids = {key[0] if isinstance(key, tuple) else key for key in compiled} - {""}
    ids = {id.rpartition("\4")[2] for id in ids}  # without the context
    assert ids == set(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_a_label_in_it(language):
    with override("en"):
        english = {event.code: str(event.label) for event in events.registered()}
    with override(language):
        same = [code for code, label in english.items() if str(events.get(code).label) == label]
    assert [code for code in same if events.get(code).family != "billing"] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_string_that_is_marked_is_in_the_catalogue(language):
    known = dict(messages(language))
    pattern = re.compile(r'\b(?:_|gettext(?:_lazy)?)\(\s*"((?:[^"\\]|\\.)*)"\s*[,)]')
    marked = {
        text for path in PACKAGE.rglob("*.py") for text in pattern.findall(path.read_text("utf-8"))
    }
    assert len(marked) > 100
    assert {text for text in marked if text not in known} == set()


def test_the_admin_speaks_german(admin_client, settings):
    settings.LANGUAGE_CODE = "de"
    page = admin_client.get("/admin/django_authaudit/auditlog/", headers={"accept-language": "de"})
    assert "Audit-Protokoll" in page.content.decode()

"""Who signs, and whose signatures are believed."""

import pytest

from django_authaudit.integrity import keys

LEAF = b"x" * 32


def signature():
    return keys.signing_key().sign(b"entry", LEAF)


def holds(signature, purpose=b"entry", message=LEAF):
    return keys.is_signed(signature, purpose, message)


def test_the_first_key_signs_and_all_verify(settings):
    settings.AUTHAUDIT_SIGNING_KEYS = {"2025": "old" * 12}
    old = signature()
    settings.AUTHAUDIT_SIGNING_KEYS = {"2026": "new" * 12, "2025": "old" * 12}
    new = signature()

    assert old.startswith("2025:")
    assert new.startswith("2026:")
    assert holds(old)
    assert holds(new)


def test_a_signature_by_a_key_that_is_gone_or_never_was_is_none(settings):
    settings.AUTHAUDIT_SIGNING_KEYS = {"2025": "old" * 12}
    old = signature()
    settings.AUTHAUDIT_SIGNING_KEYS = {"2026": "new" * 12}

    assert not holds(old)
    assert not holds(old.replace("2025", "2026"))
    for nonsense in ("", ":", "2026", "2026:", "2026:ä", "2026:\ud800", f"{signature()}0"):
        assert not holds(nonsense)


def test_a_signature_holds_for_its_message_and_purpose_alone():
    assert holds(signature())
    assert not holds(signature(), message=b"y" * 32)
    assert not holds(signature(), purpose=b"seal")


def test_without_keys_secret_key_signs_and_its_fallbacks_verify(settings):
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "first", []
    first = signature()
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "second", ["first"]

    assert signature() != first
    assert holds(first)
    assert holds(signature())
    settings.SECRET_KEY_FALLBACKS = []
    assert not holds(first)


def test_a_secret_may_be_text_or_bytes(settings):
    settings.AUTHAUDIT_SIGNING_KEYS = {"a": "ä" * 20}
    by_text = signature()
    settings.AUTHAUDIT_SIGNING_KEYS = {"a": ("ä" * 20).encode()}

    assert signature() == by_text


@pytest.mark.parametrize(
    "wrong", [{}, "secret", ["secret"], {1: "secret"}, {"a:b": "secret"}, {"a": None}]
)
def test_wrong_keys_count_as_unset_so_that_nothing_is_lost(settings, wrong):
    settings.AUTHAUDIT_SIGNING_KEYS = None
    expected = signature()
    settings.AUTHAUDIT_SIGNING_KEYS = wrong

    assert signature() == expected

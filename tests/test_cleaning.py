import json
import random
from base64 import urlsafe_b64encode

import pytest

from django_authaudit.cleaning import MASK, METADATA_LIMIT, clean_metadata, clean_text, mask_path


@pytest.mark.parametrize(
    ("hostile", "stored"),
    [
        ("a\0b", "a\\x00b"),
        ("a\r\nb\tc", "a\\x0d\\x0ab\\x09c"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\ud800", "\\ud800"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("\u2028line", "\\u2028line"),
        ("\U000e0041tag", "\\U000e0041tag"),
        ("plain", "plain"),
        ("Zoë 你好 🙂", "Zoë 你好 🙂"),
    ],
)
def test_what_no_reader_could_see_is_spelled_out(hostile, stored):
    assert clean_text(hostile, 100) == (stored, None)


def test_what_is_too_long_is_cut_and_says_how_long_it_was():
    text, length = clean_text("x" * 10_000_000, 255)
    assert len(text) == 255
    assert text.endswith("…")
    assert length == 10_000_000


def test_spelling_out_never_exceeds_the_limit():
    text, length = clean_text("\0" * 200, 255)
    assert len(text) == 255
    assert length == 200


def test_other_values_become_text():
    assert clean_text(42, 10) == ("42", None)


def test_metadata_is_json_that_every_reader_shares():
    cleaned = clean_metadata(
        {
            "float": 0.1,
            "large": 2**60,
            "small": -3,
            "none": None,
            "flag": True,
            "list": (1, {"a": {2}}),
            "umlaut ä": "ä",
            "object": object,
        }
    )
    assert cleaned == {
        "float": "0.1",
        "large": str(2**60),
        "small": -3,
        "none": None,
        "flag": True,
        "list": [1, {"a": [2]}],
        "umlaut \\xe4": "ä",
        "object": "<class 'object'>",
    }


@pytest.mark.parametrize(
    "key",
    [
        *("password", "new_password1", "reset-token", "Authorization", "api_key", "sessionid"),
        *("newPassword", "accessToken", "clientSecret", "passwordConfirm", "x-api-key", "otp"),
        *("password_confirmation", "password_hash", "secret_key", "tokens", "jwt", "totp"),
    ],
)
def test_values_under_the_name_of_a_secret_are_masked(key):
    assert clean_metadata({"form": {key: "s3cret"}}) == {"form": {key: MASK}}


@pytest.mark.parametrize("key", ["reason", "session_ref", "token_count", "pinned", "user", "Spin"])
def test_other_names_are_no_secrets(key):
    assert clean_metadata({key: "x"}) == {key: "x"}


def test_metadata_is_bounded_and_names_what_it_dropped():
    huge = {"reason": "kept", **{f"key{i}": "x" * 1_000_000 for i in range(50)}}
    cleaned = clean_metadata(huge)
    assert cleaned["reason"] == "kept"
    assert len(json.dumps(cleaned)) < METADATA_LIMIT * 2
    assert cleaned["truncated"]["key20"] > 1000


def test_metadata_of_great_depth_ends_in_text():
    value: dict = {}
    for _ in range(50):
        value = {"deeper": value}
    assert len(json.dumps(clean_metadata(value))) < 4000


def test_metadata_of_many_keys_is_bounded():
    assert len(clean_metadata({f"k{i}": i for i in range(10_000)})) == 100


@pytest.mark.parametrize(
    ("path", "masked"),
    [
        ("/reset/MQ/abc123-0123456789abcdef0123456789abcdef/", f"/reset/MQ/{MASK}/"),
        ("/jwt/eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl/", f"/jwt/{MASK}/"),
        ("/share/0123456789abcdef0123456789abcdef", f"/share/{MASK}"),
        (
            "/orders/0190c5a1-7e3b-7d3a-9a3e-1234567890ab/",
            "/orders/0190c5a1-7e3b-7d3a-9a3e-1234567890ab/",
        ),
        ("/articles/how-to-write-a-very-long-slug-in-2026/", None),
        ("/wiki/List-of-Countries-by-GDP-in-2026-and-1990/", None),
        ("/join/pq-CqN4T-2bGp_3fMTUjX9-0ZYr8hYmlQ4xlvJpxn4k/", f"/join/{MASK}/"),
        ("/off/bob:1vQ7aC:pq-CqN4T-2bGp_3fMTUjX9-0ZYr8hYmlQ4x/", f"/off/bob:1vQ7aC:{MASK}/"),
    ],
)
def test_what_looks_like_a_token_is_masked_in_a_path(path, masked):
    assert mask_path(path, {}) == (masked or path)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_what_token_urlsafe_makes_is_masked_in_a_path(length):
    numbers = random.Random(length)
    for _ in range(1000):
        token = urlsafe_b64encode(numbers.randbytes(length)).rstrip(b"=").decode()
        assert mask_path(f"/join/{token}/7/", {}) == f"/join/{MASK}/7/"


def test_what_the_url_pattern_calls_a_secret_is_masked_in_a_path():
    assert mask_path("/join/abc/7/", {"token": "abc", "pk": 7, "code": ""}) == f"/join/{MASK}/7/"
    # The device grant of OAuth: who has read it can let a device of theirs in.
    assert mask_path("/device/BDWPHQPK", {"user_code": "BDWPHQPK"}) == f"/device/{MASK}"


def test_the_key_of_a_link_is_masked_in_a_path_and_a_short_name_is_not():
    key = "dijcf1-498e636df1aab76523c4f7f5e482c526"

    assert (
        mask_path(f"/reset/key/1-{key}/", {"uidb36": "1", "key": key}) == f"/reset/key/1-{MASK}/"
    )
    assert mask_path("/settings/colour/", {"key": "colour"}) == "/settings/colour/"


@pytest.mark.parametrize("name", ["activation_key", "invite_code", "signed", "email_hash"])
def test_what_confirms_an_address_is_masked_in_a_path_and_a_short_code_is_not(name):
    key = "Ym9i:1vQ7aC:short"

    assert mask_path(f"/confirm/{key}/", {name: key}) == f"/confirm/{MASK}/"
    assert mask_path("/country/de/", {name: "de"}) == "/country/de/"

"""What the verifier is made of: Ed25519 by the vectors of the RFC, and what reads JSON.

How it judges bundles, `tests/exports/test_evidence.py` shows.
"""

import random
import runpy
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from django_authaudit.integrity import verify_bundle
from django_authaudit.integrity.verify_bundle import L, P, is_signed, parse, read_key

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = {
    "TEST 1": (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e3970"
        "1cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    "TEST 2": (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613"
        "d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "TEST 3": (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760"
        "984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
}
each_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)


def octets(vector):
    key, message, signature = map(bytes.fromhex, vector)
    return key, signature, message


@each_vector
def test_the_vectors_of_the_rfc_are_signed(vector):
    assert is_signed(*octets(vector))


@each_vector
def test_a_vector_in_which_one_bit_differs_is_not_signed(vector):
    chance = random.Random(vector[0])
    for part in range(3):
        values = [bytearray(value) for value in octets(vector)]
        if not values[part]:
            continue
        bit = chance.randrange(len(values[part]) * 8)
        values[part][bit // 8] ^= 1 << bit % 8
        assert not is_signed(*map(bytes, values))


@pytest.mark.parametrize("seed", range(10))
def test_it_agrees_with_openssl(seed):
    chance = random.Random(seed)
    key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    message = chance.randbytes(chance.randrange(200))

    assert is_signed(public, key.sign(message), message)
    assert not is_signed(public, key.sign(message), message + b"x")


def test_a_signature_has_one_form_only():
    key, signature, message = octets(VECTORS["TEST 3"])
    s = int.from_bytes(signature[32:], "little") + L

    assert not is_signed(key, signature[:32] + s.to_bytes(32, "little"), message)
    assert not is_signed(key, signature + b"\0", message)
    assert not is_signed(key, b"", message)


@pytest.mark.parametrize(
    "key",
    [
        P.to_bytes(32, "little"),  # beyond the field
        (2).to_bytes(32, "little"),  # no point of the curve
        (1 | 1 << 255).to_bytes(32, "little"),  # the sign of a zero
    ],
)
def test_what_is_no_point_is_no_key(key):
    assert verify_bundle.decompress(key) is None
    assert not is_signed(key, bytes(64), b"")


def test_a_key_is_read_in_both_forms():
    key = Ed25519PrivateKey.generate().public_key()
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    assert read_key(pem) == read_key(raw.hex() + "\n") == raw


@pytest.mark.parametrize("line", ["[]", "1", "{", '{"a": 1, "a": 2}', '{"a": 0.5}', '{"a": 1e3}'])
def test_what_two_readers_could_read_differently_is_refused(line):
    with pytest.raises(ValueError, match=r".+"):
        parse(line)


def test_it_is_a_program(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["verify_bundle.py", f"--public-key={tmp_path / 'none'}"])

    with pytest.raises(SystemExit) as ended:
        runpy.run_path(verify_bundle.__file__, run_name="__main__")

    assert ended.value.code == 2
    assert "No such file" in capsys.readouterr().err

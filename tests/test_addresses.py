import logging

import pytest

from django_authaudit import addresses
from django_authaudit.addresses import client_address


@pytest.fixture(autouse=True)
def unwarned():
    addresses._warned.clear()


def resolve(remote, forwarded=None):
    meta = {"REMOTE_ADDR": remote}
    if forwarded is not None:
        meta["HTTP_X_FORWARDED_FOR"] = forwarded
    return client_address(meta)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
        (None, None),
        ("unix:", None),
        ("/run/app.sock", None),
        ("garbage", None),
        ("1" * 100_000, None),
        ("203.0.113.9\0", None),
    ],
)
def test_the_peer_is_the_client_by_default(remote, address):
    assert resolve(remote).address == address


def test_a_missing_peer_is_no_address():
    assert client_address({}).address is None


@pytest.mark.parametrize(
    "spoofed", ["6.6.6.6", "6.6.6.6, 127.0.0.1", "garbage", "x" * 1_000_000, "\0", "," * 10_000]
)
def test_a_spoofed_header_never_wins_and_is_kept_as_unverified(spoofed):
    found = resolve("203.0.113.9", spoofed)
    assert found.address == "203.0.113.9"
    assert found.unverified == spoofed
    assert not found.via_trusted_proxy


@pytest.mark.parametrize(
    ("forwarded", "address", "unverified"),
    [
        ("203.0.113.9", "203.0.113.9", False),
        ("203.0.113.9:55123", "203.0.113.9", False),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9", True),
        ("6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9", True),
        ("203.0.113.9, 10.1.2.3", "203.0.113.9", False),
        ("10.1.2.3", "10.1.2.3", False),
        ("garbage", "10.0.0.2", True),
        ("203.0.113.9, garbage", "10.0.0.2", True),
        ("garbage, 203.0.113.9", "203.0.113.9", True),
        ("::ffff:203.0.113.9", "203.0.113.9", False),
    ],
)
def test_behind_a_trusted_proxy_the_header_is_walked_from_the_right(
    settings, forwarded, address, unverified
):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8:1::/48"]
    found = resolve("10.0.0.2", forwarded)
    assert found.address == address
    assert bool(found.unverified) == unverified
    assert found.via_trusted_proxy


def test_a_client_that_bypasses_the_proxy_is_recorded_by_its_own_address(settings):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["10.0.0.2"]
    assert resolve("203.0.113.66", "6.6.6.6, 10.0.0.2").address == "203.0.113.66"


@pytest.mark.parametrize("peer", ["", "unix:", "/run/nginx.sock"])
def test_a_unix_socket_is_trusted_only_by_name(settings, peer):
    assert resolve(peer, "203.0.113.9").address is None
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert resolve(peer, "203.0.113.9").address is None
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["unix"]
    assert resolve(peer, "203.0.113.9").address == "203.0.113.9"


def test_a_peer_that_is_garbage_is_no_unix_socket(settings):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["unix"]
    assert resolve("garbage", "203.0.113.9").address is None


def test_a_wrong_network_in_the_settings_trusts_nobody(settings):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["10.0.0.0/8", "nonsense"]
    assert resolve("10.0.0.2", "203.0.113.9").address == "10.0.0.2"


def test_a_very_long_header_is_walked_no_further_than_it_is_worth(settings):
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["10.0.0.0/8"]
    assert resolve("10.0.0.2", "10.0.0.3," * 100_000 + "10.0.0.3").address == "10.0.0.3"


@pytest.mark.parametrize("peer", ["10.0.0.2", ""])
def test_an_unconfigured_proxy_is_warned_of_once(caplog, peer):
    resolve(peer, "203.0.113.9")
    resolve(peer, "203.0.113.9")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "AUTHAUDIT_TRUSTED_PROXIES" in record.message


def test_a_public_peer_or_a_configured_proxy_is_not_warned_of(caplog, settings):
    resolve("8.8.8.8", "203.0.113.9")
    settings.AUTHAUDIT_TRUSTED_PROXIES = ["10.0.0.0/8"]
    resolve("192.168.0.1", "203.0.113.9")
    assert caplog.records == []

"""Whose word about the client's address counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning

from django_authaudit.addresses import UNIX, IpNetwork, parse_networks
from django_authaudit.checks.values import Check, is_list_of_strings
from django_authaudit.conf import conf

_SHORTEST_PREFIX = 7
"""Bits: the widest private networks are 10.0.0.0/8 and fc00::/7 (RFC 1918, RFC 4193)."""


def check_proxies_are_a_list(**kwargs: Any) -> Iterator[CheckMessage]:
    """E010: a string is a list of its letters."""
    value = conf.AUTHAUDIT_TRUSTED_PROXIES
    if not is_list_of_strings(value):
        yield Error(
            f"AUTHAUDIT_TRUSTED_PROXIES is {value!r}, not a list of networks as strings.",
            hint="Write a list, even of one: ['10.0.0.0/8'].",
            id="django_authaudit.E010",
        )


def check_proxies_are_networks(**kwargs: Any) -> Iterator[CheckMessage]:
    """E011: one wrong member, and no proxy at all is trusted."""
    for value in _proxies():
        if _network(value) is None and value != UNIX:
            yield Error(
                f"AUTHAUDIT_TRUSTED_PROXIES holds {value!r}, which is no network; no proxy is "
                "trusted until it is mended.",
                hint="Write an address or a network such as '192.0.2.7', '10.0.0.0/8' or "
                f"'fd00::/8', or {UNIX!r} for a proxy on a Unix socket. Names of hosts do not "
                "count.",
                id="django_authaudit.E011",
            )


def check_proxies_are_few(**kwargs: Any) -> Iterator[CheckMessage]:
    """W005: to trust everybody is to record whatever address an attacker writes."""
    for value in _proxies():
        network = _network(value)
        if network is not None and network.prefixlen < _SHORTEST_PREFIX:
            yield Warning(
                f"AUTHAUDIT_TRUSTED_PROXIES holds {value!r}, which trusts a good part of the "
                "internet: any client can choose the address that is recorded.",
                hint="Name the networks of your own proxies only.",
                id="django_authaudit.W005",
            )


def _proxies() -> list[str]:
    value = conf.AUTHAUDIT_TRUSTED_PROXIES
    return list(value) if is_list_of_strings(value) else []


def _network(value: str) -> IpNetwork | None:
    try:
        return next(iter(parse_networks([value])), None)
    except ValueError:
        return None


CHECKS: tuple[Check, ...] = (
    check_proxies_are_a_list,
    check_proxies_are_networks,
    check_proxies_are_few,
)

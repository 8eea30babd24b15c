"""The address of the client, which no header can forge (CWE-290, CWE-348).

ipware parses; which value counts is decided here: ``REMOTE_ADDR``, unless it belongs to a proxy
that the project trusts. Then X-Forwarded-For is walked from the right, past trusted proxies, to
the first address that none of them vouches for.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from python_ipware.modern.parsers import parse_ip

from django_authaudit.conf import conf

logger = logging.getLogger("django_authaudit")

UNIX = "unix"
"""The member of AUTHAUDIT_TRUSTED_PROXIES that stands for a peer on a Unix socket."""
_LONGEST_ADDRESS = 320
_MOST_HOPS = 64
_warned = threading.Event()

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class ClientAddress(NamedTuple):
    """Where a request came from, and what its headers claimed."""

    address: str | None
    unverified: str
    """The raw X-Forwarded-For, as far as no trusted proxy vouches for it."""
    via_trusted_proxy: bool


def client_address(meta: Mapping[str, Any]) -> ClientAddress:
    """Return the client's address by the request's `meta` (WSGI names, also under ASGI)."""
    remote = str(meta.get("REMOTE_ADDR") or "")
    header = str(meta.get("HTTP_X_FORWARDED_FOR") or "")
    peer = parse_address(remote)
    trusted = _trusted(peer, remote)
    if not header:
        return ClientAddress(address_text(peer), "", trusted)
    if not trusted:
        _warn_of_unconfigured_proxy(peer)
        return ClientAddress(address_text(peer), header, False)
    found, verified_alone = _walk(header, peer)
    return ClientAddress(address_text(found), "" if verified_alone else header, True)


def parse_address(value: str) -> IpAddress | None:
    """Return the address in `value` (port, brackets and zone allowed), or None if it is none."""
    if len(value) > _LONGEST_ADDRESS:
        return None
    return parse_ip(value)


def parse_networks(values: Sequence[str]) -> tuple[IpNetwork, ...]:
    """Return the networks among `values`; raise ValueError for what is none."""
    return tuple(ipaddress.ip_network(value, strict=False) for value in values if value != UNIX)


def _walk(header: str, peer: IpAddress | None) -> tuple[IpAddress | None, bool]:
    """Return the last vouched-for address of `header`, and whether it held nothing besides."""
    hops = header.rsplit(",", _MOST_HOPS)[-_MOST_HOPS:]
    found = peer
    for position, hop in enumerate(reversed(hops), start=1):
        address = parse_address(hop)
        if address is None:
            return found, False
        found = address
        if not _trusted(address, hop):
            return found, position == len(hops)
    return found, True


def _trusted(address: IpAddress | None, raw: str) -> bool:
    proxies = _proxies()
    if not proxies:
        return False
    if address is None:
        # Servers name a Unix peer by an empty address, "unix:" or the path of the socket.
        return UNIX in proxies and (raw in ("", "unix:") or raw.startswith("/"))
    return any(address in network for network in _networks(proxies))


def _proxies() -> tuple[str, ...]:
    """Return the trusted proxies; what is no list of strings counts as none (see the checks)."""
    value: Any = conf.AUTHAUDIT_TRUSTED_PROXIES
    is_list = isinstance(value, (list, tuple, set, frozenset))
    return tuple(value) if is_list and all(isinstance(item, str) for item in value) else ()


@lru_cache(maxsize=8)
def _networks(values: tuple[str, ...]) -> tuple[IpNetwork, ...]:
    try:
        return parse_networks(values)
    except ValueError:
        # A system check names the wrong one; until it is mended nobody is trusted.
        return ()


def address_text(address: IpAddress | None) -> str | None:
    """Return `address` as it is stored: without its zone, which means nothing elsewhere."""
    return str(address).partition("%")[0] if address is not None else None


def _warn_of_unconfigured_proxy(peer: IpAddress | None) -> None:
    if conf.AUTHAUDIT_TRUSTED_PROXIES or (peer is not None and not peer.is_private):
        return
    if _warned.is_set():
        return
    _warned.set()
    name = address_text(peer) or "a Unix socket"
    logger.warning(
        "X-Forwarded-For arrives from %s, but AUTHAUDIT_TRUSTED_PROXIES is empty: the audit log "
        "records the proxy's address as the client's. If %s is your proxy, set "
        'AUTHAUDIT_TRUSTED_PROXIES (for example to ["10.0.0.0/8"], or to ["unix"]).',
        name,
        name,
    )

"""What is typed into the search box, and the tracks that answer it.

A user name, an e-mail address, a request: exactly as stored. An IP address or a network. An event
or the beginning of events. Each is found by an index, none by reading the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, ip_network
from typing import Any

from django.db import connections

from django_authaudit import events
from django_authaudit.addresses import IpNetwork, address_text, parse_address
from django_authaudit.cleaning import clean_text
from django_authaudit.entry import LIMITS
from django_authaudit.tracks import Track

MOST_ADDRESSES = 64
"""As many addresses of a network are looked for."""
_NEXT_ADDRESS = """
WITH RECURSIVE seen (address, number) AS (
    SELECT MIN(ip_address), 1 FROM {table} WHERE ip_address >= %s AND ip_address <= %s
    UNION ALL
    SELECT (
        SELECT MIN(ip_address) FROM {table}
        WHERE ip_address > seen.address AND ip_address <= %s
    ), number + 1
    FROM seen WHERE address IS NOT NULL AND number < %s
)
SELECT address FROM seen WHERE address IS NOT NULL
"""
"""Leaps from one address to the next, however many entries each has: a DISTINCT would read all."""


def tracks(entries: Any, term: str) -> tuple[Track, ...] | None:
    """Return where `term` is found; None: in too many addresses of the network that it names.

    The term is cleaned as it was when it was recorded: what was cut or escaped there is found,
    and nothing that a database refuses gets through.
    """
    network = _network(term)
    if network is None:
        return tuple(_exactly(term))
    addresses = seen_in(entries, network)
    return None if addresses is None else tuple(Track("ip_address", a) for a in addresses)


def seen_in(entries: Any, network: IpNetwork) -> list[str] | None:
    """Return the addresses of `network` that `entries` have; None: more than `MOST_ADDRESSES`."""
    low, high = _range(entries, network)
    connection = connections[entries.db]
    table = connection.ops.quote_name(entries.model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(_NEXT_ADDRESS.format(table=table), [low, high, high, MOST_ADDRESSES + 1])
        found = [address for (address,) in cursor.fetchall()]
    inside = [address for address in found if _is_in(address, network)]
    return inside if len(found) <= MOST_ADDRESSES else None


def _exactly(term: str) -> Iterator[Track]:
    for column in ["username", "actor_username", "request_id"] + ["email"] * ("@" in term):
        yield Track(column, clean_text(term, LIMITS[column])[0])
    if address := address_text(parse_address(term)):
        yield Track("ip_address", address)
    codes = [event.code for event in events.registered() if _begins(event, term)]
    yield from (Track("event", code) for code in codes)


def _begins(event: events.Event, term: str) -> bool:
    """Return whether `term` is a family of events, or longer and the beginning of this one."""
    return term == event.family or ("." in term and event.code.startswith(term))


def _network(term: str) -> IpNetwork | None:
    if "/" not in term:
        return None
    try:
        return ip_network(term, strict=False)
    except ValueError:
        return None


def _range(entries: Any, network: IpNetwork) -> tuple[str, str]:
    """Return between what values of the column the addresses of `network` are.

    PostgreSQL compares them as addresses, other databases as text; there, others may lie between.
    """
    if connections[entries.db].vendor == "postgresql":
        return str(network[0]), str(network[-1])
    if isinstance(network, IPv4Network):
        separator, parts = ".", str(network[0]).split(".")[: min(network.prefixlen // 8, 3)]
    else:
        separator, parts = ":", network[0].exploded.split(":")[: min(network.prefixlen // 16, 7)]
        parts = [part.lstrip("0") for part in parts]
        # From the first hextet of zeros on, the text depends on what follows.
        parts = parts[: parts.index("")] if "" in parts else parts
    prefix = "".join(part + separator for part in parts)
    # Only digits, "a" to "f" and separators follow, and all come before "g".
    return prefix or " ", f"{prefix}g"


def _is_in(address: str, network: IpNetwork) -> bool:
    parsed = parse_address(address)
    return parsed is not None and parsed.version == network.version and parsed in network

"""Whose request it is, behind proxies that are trusted to say so."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from homing.server.dialects.base import Headers

Network = IPv4Network | IPv6Network

AddressOf = Callable[[str, Headers], str]
"""Finds the address behind a peer and the headers it sent."""


def address_finder(trusted: Sequence[Network]) -> AddressOf:
    """Return the function that finds the address a request came from.

    It is the peer's, or where the peer is a trusted proxy, the nearest address in X-Forwarded-For that is not.
    """
    if not trusted:
        return lambda peer, _headers: peer

    def find(peer: str, headers: Headers) -> str:
        nearest = peer
        forwarded = headers.get("x-forwarded-for", "").split(",")
        for address in reversed(forwarded):
            if not _is_in(nearest, trusted) or not address.strip():
                break
            nearest = address.strip()
        return nearest

    return find


def _is_in(text: str, networks: Sequence[Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address.version == network.version and address in network for network in networks)

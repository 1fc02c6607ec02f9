"""Whose request it is, behind proxies that are trusted to say so."""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

Network = IPv4Network | IPv6Network


def address_finder(trusted: Sequence[Network]) -> Callable[[Any, Mapping[bytes, bytes]], str]:
    """Return the function that finds the address a request came from.

    It is the peer's, or where the peer is a trusted proxy, the nearest address in X-Forwarded-For that is not.
    """
    if not trusted:
        return lambda scope, _headers: scope["client"][0] if scope.get("client") else ""

    def find(scope: Any, headers: Mapping[bytes, bytes]) -> str:
        nearest: str = scope["client"][0] if scope.get("client") else ""
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
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

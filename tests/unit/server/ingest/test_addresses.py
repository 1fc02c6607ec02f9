"""Whose request it is."""

from ipaddress import ip_network

from homing.server.ingest.addresses import address_finder

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))


def found(peer: str, forwarded: str = "", *, trusting: bool = True) -> str:
    """Return the address found for a peer that sends this X-Forwarded-For."""
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    return address_finder(TRUSTED if trusting else ())(peer, headers)


def test_the_peer_when_nobody_is_trusted() -> None:
    """Without trusted proxies the header means nothing."""
    assert "10.0.0.1" == found("10.0.0.1", "192.0.2.7", trusting=False)


def test_the_peer_when_it_is_not_trusted() -> None:
    """A stranger cannot name another address."""
    assert "192.0.2.1" == found("192.0.2.1", "192.0.2.7")


def test_the_nearest_stranger_behind_proxies() -> None:
    """Of a chain of proxies the nearest address that is not trusted counts; what lies behind it may be made up."""
    assert "192.0.2.7" == found("10.0.0.1", "203.0.113.5, 192.0.2.7, 10.0.0.2")
    assert "192.0.2.7" == found("2001:db8::1", "192.0.2.7")


def test_a_proxy_that_says_nothing() -> None:
    """A trusted peer without the header is itself the sender."""
    assert "10.0.0.1" == found("10.0.0.1")
    assert "10.0.0.1" == found("10.0.0.1", " , ")


def test_only_proxies() -> None:
    """A request that came through trusted addresses only is that of the furthest."""
    assert "10.0.0.3" == found("10.0.0.1", "10.0.0.3, 10.0.0.2")


def test_what_is_no_address_is_not_trusted() -> None:
    """A name in the header ends the chain."""
    assert "unknown" == found("10.0.0.1", "192.0.2.7, unknown")


def test_no_peer() -> None:
    """A connection without an address, as through a local socket, has an empty one."""
    assert "" == found("")
    assert "" == found("", trusting=False)

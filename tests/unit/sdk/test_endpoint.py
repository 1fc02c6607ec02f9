"""Addresses."""

import pytest

from homing.sdk.endpoint import Endpoint, at, parse


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://a.example.com", "a.example.com", 443, "", "a.example.com"),
        ("http://a.example.com:8400/x/y?z=1", "a.example.com", 8400, "/x/y?z=1", "a.example.com:8400"),
        ("https://a.example.com?token=abc", "a.example.com", 443, "/?token=abc", "a.example.com"),
        ("http://A.example.com:80/", "a.example.com", 80, "/", "a.example.com"),
        ("https://[::1]:8443/x", "::1", 8443, "/x", "[::1]:8443"),
    ],
)
def test_parts(url: str, host: str, port: int, *, path: str, authority: str) -> None:
    """An address is taken apart once, and its header Host names a port only where it must."""
    parsed = parse(url)
    assert (host, port, path, authority) == (parsed.host, parsed.port, parsed.path, parsed.authority)
    assert url == parsed.url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com",
        "http://",
        "http:///path",
        "http://user:secret@example.com",
        "http://example.com/#x",
        "http://example.com:99999",
        "http://[::1",
        "http://exämple.com",
        "http://example.com/a b",
        "http://example.com/\r\nX: y",
        "http://example.com/" + "x" * 1000,
        None,
        5,
    ],
)
def test_useless_addresses(url: object) -> None:
    """What nothing can be sent to is refused."""
    with pytest.raises(ValueError, match=r"must|port|Port|IPv6"):
        parse(url)


def test_another_path() -> None:
    """The host stays."""
    assert Endpoint("http://a.b:81/y", "http", "a.b", 81, "/y") == at(parse("http://a.b:81/x"), "/y")

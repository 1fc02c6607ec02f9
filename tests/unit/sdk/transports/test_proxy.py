"""Which proxy is used."""

import pytest

from homing.sdk.endpoint import parse
from homing.sdk.transports.proxy import proxies, proxy_for

ALL = {"http_proxy": "http://plain.example.com:3128", "https_proxy": "http://crypt.example.com"}


def used(url: str, **named: str) -> str | None:
    """Return the proxy for an address."""
    found = proxy_for(parse(url), {**ALL, **named})
    return found.endpoint.authority if found else None


def test_by_scheme() -> None:
    """Each scheme has its own; one for all stands in for a missing one."""
    assert "plain.example.com:3128" == used("http://a.example.com")
    assert "crypt.example.com" == used("https://a.example.com")
    assert "any.example.com" == used("https://a.example.com", https_proxy="", all_proxy="any.example.com")
    assert None is used("https://a.example.com", https_proxy="")


@pytest.mark.parametrize("url", ["http://localhost:1", "http://127.0.0.1", "http://[::1]:2"])
def test_this_machine(url: str) -> None:
    """It is reached without a proxy."""
    assert None is used(url)


@pytest.mark.parametrize(
    ("exceptions", "is_excepted"),
    [
        ("*", True),
        ("example.com", True),
        (".example.com", True),
        ("*.example.com", True),
        ("a.example.com:8400", True),
        ("b.org, A.EXAMPLE.COM", True),
        ("a.example.com:80", False),
        ("ample.com", False),
        ("b.org", False),
        (" , ", False),
    ],
)
def test_exceptions(exceptions: str, *, is_excepted: bool) -> None:
    """Hosts, their domains and ports may be left out."""
    assert is_excepted is (used("http://a.example.com:8400", no_proxy=exceptions) is None)


def test_passwords() -> None:
    """They are told to the proxy and shown to nobody."""
    found = proxy_for(parse("http://a.example.com"), {"http_proxy": "http://ada:p%40ss@proxy.example.com"})
    assert found is not None
    assert {"Proxy-Authorization": "Basic YWRhOnBAc3M="} == found.headers
    assert "Proxy('proxy.example.com')" == repr(found)


def test_a_proxy_that_cannot_be_used() -> None:
    """It is an error: nothing goes past it."""
    with pytest.raises(OSError, match="must begin with http://"):
        used("http://a.example.com", http_proxy="socks5://proxy.example.com")


def test_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small letters come before capitals; in a CGI program the capitals of HTTP_PROXY are a visitor's."""
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "x")
    monkeypatch.setenv("HTTP_PROXY", "http://capital.example.com")
    monkeypatch.setenv("HTTPS_PROXY", "http://capital.example.com")
    monkeypatch.setenv("https_proxy", "http://small.example.com")
    assert ["http://capital.example.com", "http://small.example.com", "", "x"] == list(proxies().values())
    monkeypatch.setenv("REQUEST_METHOD", "GET")
    assert "" == proxies()["http_proxy"]

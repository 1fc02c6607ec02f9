"""Where a request comes from, and what its body is."""

import pytest

from homing.sdk.admin.exchange import FORM, JSON, Malformed, Request, is_from_here, read_form, read_json

HOST = "acme.example.com"
OWN = f"https://{HOST}"


def request(body: bytes = b"", /, **headers: str) -> Request:
    """Return a request with headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "", "/", "", {"host": HOST, **named}, body)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "same-origin", "origin": "https://renamed-by-a-proxy"}, True),
        ({"sec_fetch_site": "same-site"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"sec_fetch_site": "cross-site", "origin": OWN, "content_type": JSON}, False),
        ({"origin": OWN}, True),
        ({"origin": f"http://{HOST.upper()}"}, True),
        ({"origin": f"{OWN}:8443"}, False),
        ({"origin": "https://evil.example.com"}, False),
        ({"origin": "https://evil.example.com", "content_type": JSON}, False),
        ({"origin": "null"}, False),
        ({"origin": "null", "host": ""}, False),
        ({"origin": "https://behind.example.org"}, True),
        ({}, False),
        ({"content_type": FORM}, False),
        ({"content_type": "text/plain"}, False),
        ({"content_type": "application/json; charset=utf-8"}, True),
    ],
    ids=str,
)
def test_who_may_change_something(headers: dict[str, str], expected: bool) -> None:  # noqa: FBT001 - a column
    """A page of another origin never, whatever it sends; what names no origin only as JSON."""
    assert expected == is_from_here(request(**headers), ["https://behind.example.org"])


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'"a"', b"\xff", b"[" * 50_000])
def test_bodies_that_are_no_object(body: bytes) -> None:
    """They are refused with a sentence."""
    with pytest.raises(Malformed, match="must be"):
        read_json(request(body))


def test_forms() -> None:
    """Fields keep their order and their empty values; too many, or anything else, is no form."""
    assert {"a": ["1", "é"], "b": [""]} == read_form(request(b"a=1&a=%C3%A9&b=", content_type=FORM))
    for body, kind in ((b"a=1", JSON), (b"\xff", FORM), (b"a=1&" * 200, FORM)):
        with pytest.raises(Malformed):
            read_form(request(body, content_type=kind))


def test_the_query() -> None:
    """A parameter is empty where there is none, or where nobody can read it."""
    assert ["1", "", ""] == [Request("GET", "", "/", query, {}).asked("a") for query in ("b=2&a=1", "b", "a=1&" * 200)]

"""Where requests may come from, where forms may lead, and what browsers are told to forbid."""

import asyncio
from typing import Any

import pytest
from litestar.datastructures import Headers

from homing.server.dashboard.guard import HEADERS, is_own, local_path, onward, secure

HOST = "telemetry.example:8400"


@pytest.mark.parametrize(
    "path",
    ["/", "/instances", "/?app=a&version=1.0", "/instances/app/a%252Fb", "/instances?search=//x", "/é", "/password"],
)
def test_local_paths(path: str) -> None:
    """A path of ours is where it leads."""
    assert path == local_path(path)


@pytest.mark.parametrize(
    "text",
    [
        *("", "instances", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example", "/a\\b"),
        *("https://evil.example", "https:evil", "javascript:alert(1)", "/\t/evil.example", "/\n/evil", "\t//evil"),
        *("/\x00", "/\u2028", "/a\u202eb", " /instances", "/" + "x" * 2000),
        *("/sign-in", "/sign-in?next=/", "/sign-out"),
    ],
)
def test_what_leads_elsewhere_leads_home(text: str) -> None:
    """What could lead to another site, around in a circle, or is no path, leads home."""
    assert "/" == local_path(text)


def test_leading_on() -> None:
    """The way back is kept as one parameter, whatever stands in it."""
    assert "/sign-in" == onward("/sign-in", "/")
    assert "/sign-in?next=/%3Fapp%3Da%26b%3D%C3%A9%2523" == onward("/sign-in", "/?app=a&b=é%23")


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-origin", "origin": "https://public.example"}, True),
        ({"sec-fetch-site": "same-site", "origin": f"http://{HOST}"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": "https://public.example"}, True),
        ({"origin": "https://telemetry.example"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": f"https://evil.example/{HOST}"}, False),
        ({"origin": f"https://{HOST}.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({}, False),
    ],
)
def test_origins(headers: dict[str, str], *, own: bool) -> None:
    """Only a page of this receiver, under its own address or its public one, counts as our own."""
    assert own == is_own(Headers({"host": HOST, **headers}), "public.example")


def test_without_a_public_address() -> None:
    """An empty origin is not the empty public address."""
    assert not is_own(Headers({"host": HOST, "origin": "null"}), "")
    assert not is_own(Headers({"origin": "null"}), "")
    assert not is_own(Headers({"host": HOST, "origin": "http://["}), "")


def sent(status: int, **headers: str) -> dict[str, str]:
    """Return the headers of an answer after the guard has seen it."""
    message: Any = {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    scope: Any = {}
    asyncio.run(secure(message, scope))
    return {name.decode().lower(): value.decode() for name, value in message["headers"]}


def test_pages_forbid() -> None:
    """Every page, and every redirect to one, carries what browsers must forbid; a page may say more exactly."""
    wanted = {name.lower(): value for name, value in HEADERS.items()} | {"x-content-type-options": "nosniff"}
    assert wanted.items() <= sent(200, content_type="text/html; charset=utf-8").items()
    assert wanted.items() <= sent(303, location="/").items()
    assert "private" == sent(200, content_type="text/html", cache_control="private")["cache-control"]
    policy = wanted["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_other_answers_keep_their_type() -> None:
    """What is no page is not sniffed for one, and may be kept as its handler says."""
    assert {"content-type": "text/css", "x-content-type-options": "nosniff"} == sent(200, content_type="text/css")

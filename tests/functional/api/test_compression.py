"""Long answers of the framework are compressed for whoever can read that."""

import gzip
from typing import Final

import httpx
import pytest

from homing.server.dashboard.assets import read_assets
from tests.functional.api.conftest import World

DESCRIPTION: Final = "/api/openapi.json"


def fetch(world: World, path: str, accepted: str, method: str = "GET") -> tuple[httpx.Headers, bytes]:
    """Return the headers of an answer that must succeed, and its body as it came over the wire."""
    headers = {"Accept-Encoding": accepted, "Authorization": f"Bearer {world.mine.keys['desk']['read']}"}
    with httpx.stream(method, world.address + path, headers=headers) as answer:
        assert 200 == answer.status_code
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize("path", [DESCRIPTION, "/api/v1/report?range=month"])
def test_a_long_answer(world: World, path: str) -> None:
    """It takes less than half, says so, and holds the same."""
    headers, packed = fetch(world, path, "gzip")
    plain_headers, plain = fetch(world, path, "identity")
    assert ("gzip", str(len(packed))) == (headers["content-encoding"], headers["content-length"])
    assert "accept-encoding" in headers["vary"].lower()
    assert "content-encoding" not in plain_headers
    assert str(len(plain)) == plain_headers["content-length"]
    assert plain == gzip.decompress(packed)
    assert len(packed) < len(plain) / 2


@pytest.mark.parametrize("path", ["/livez", "/api/v1/report?split=version&range=today"])
def test_a_short_answer(world: World, path: str) -> None:
    """It is sent as it is."""
    headers, body = fetch(world, path, "gzip")
    assert "content-encoding" not in headers
    assert str(len(body)) == headers["content-length"]


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
def test_the_head_of_a_file(world: World, accepted: str) -> None:
    """HEAD of a file that pages load is answered with the headers of GET, over the wire too, and nothing after them."""
    url = read_assets().url("htmx.min.js")
    headers, body = fetch(world, url, accepted)
    head, nothing = fetch(world, url, accepted, "HEAD")
    assert b"" == nothing
    assert str(len(body)) == head["content-length"]
    assert _without_date(headers) == _without_date(head)


def _without_date(headers: httpx.Headers) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "date"}

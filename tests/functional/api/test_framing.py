"""Bodies as HTTP frames them: in chunks, cut off, announced wrongly; both by the lane and by the framework."""

import json
import socket
from collections.abc import Sequence

import pytest

from tests.functional.api.conftest import World

PINGS = "/v1/pings"
SIGN_IN = "/api/v1/sign-in"
BLOCK = b" " * 65536


def head(world: World, path: str, *headers: str) -> bytes:
    """Return the head of a request that ends its connection."""
    key = world.theirs.keys["lamp"]["send"]
    lines = [f"POST {path} HTTP/1.1", "Host: homing", "Connection: close", f"Authorization: Bearer {key}", *headers]
    return "\r\n".join([*lines, "Content-Type: application/json", "", ""]).encode()


def chunks(parts: Sequence[bytes]) -> bytes:
    """Return a body in chunks."""
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def answer(world: World, request: bytes) -> tuple[int, bytes]:
    """Send bytes and return the status and the body of what comes back."""
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        connection.sendall(request)
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    start, _, body = found.partition(b"\r\n\r\n")
    return int(start.split()[1]), body


def test_chunks(world: World) -> None:
    """A body without a length is read in its chunks, by the lane and by the framework."""
    pings = answer(world, head(world, PINGS, "Transfer-Encoding: chunked") + chunks([b'{"kind":', b'"chunked"}']))
    assert (200, {"results": [{"outcome": "accepted"}]}) == (pings[0], json.loads(pings[1]))
    signing = head(world, SIGN_IN, "Transfer-Encoding: chunked") + chunks([b'{"name":"x",', b'"password":"y"}'])
    assert answer(world, signing)[0] in {401, 429}


@pytest.mark.parametrize(("blocks", "status"), [(15, 200), (16, 413)])
def test_the_size_of_chunks(world: World, blocks: int, status: int) -> None:
    """The limit of 1 MiB holds for a body that does not announce its size."""
    request = head(world, PINGS, "Transfer-Encoding: chunked") + chunks([*([BLOCK] * blocks), b"{}"])
    assert status == answer(world, request)[0]


@pytest.mark.parametrize("length", ["x", "-1", "2\r\nContent-Length: 3", "99999999999999999999999"])
def test_lengths_that_cannot_be(world: World, length: str) -> None:
    """A length that is no length, or two of them, is a 4xx."""
    status, _body = answer(world, head(world, PINGS, f"Content-Length: {length}") + b"{}")
    assert 400 <= status < 500


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("path", [PINGS, SIGN_IN])
def test_a_sender_that_leaves(world: World, path: str, framing: str) -> None:
    """A connection that ends in the middle of a body changes nothing, and the receiver goes on."""
    before = world.numbers(world.theirs.keys["lamp"]["read"], range="week", kind="cut")["summary"]
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        connection.sendall(head(world, path, framing) + b'10\r\n{"kind":"cut",')
    assert before == world.numbers(world.theirs.keys["lamp"]["read"], range="week", kind="cut")["summary"]
    assert 0 == before["requests"]


def test_bytes_in_headers(world: World) -> None:
    """Header values that are no text are as good as absent, or simply wrong; never a fault of ours."""
    for line in (b"X-SeqDesk-Telemetry-Token: \xff\xfe", b"Content-Encoding: \xff", b"Cookie: homing_session=\xff"):
        for path in (PINGS, SIGN_IN, f"/in/{world.theirs.keys['lamp']['send']}/api/telemetry/heartbeat"):
            request = head(world, path, "Content-Length: 2").replace(b"Host:", line + b"\r\nHost:") + b"[]"
            assert answer(world, request)[0] < 500

"""Bodies as HTTP frames them: in chunks, cut off, announced wrongly; both by the lane and by the framework."""

import json
import socket
import time
from collections.abc import Sequence

import pytest

from homing.server.http.connection import MOST_WAITING
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


LAST = "Connection: close\r\n"


def ping(world: World, name: str, *headers: str) -> bytes:
    """Return a whole request with one ping, the last of its connection."""
    body = json.dumps({"instance_id": name}).encode()
    return head(world, PINGS, f"Content-Length: {len(body)}", *headers) + body


def goes_on(request: bytes) -> bytes:
    """Return a request after which others may come."""
    return request.replace(LAST.encode(), b"")


def test_requests_that_do_not_wait(world: World) -> None:
    """Requests sent without waiting for answers are answered in their order, pings and pages alike."""
    page = b"GET /livez HTTP/1.1\r\nHost: homing\r\n\r\n"
    refused = ping(world, "").replace(world.theirs.keys["lamp"]["send"].encode(), b"nobody")
    last = page.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    sent = [*map(goes_on, (ping(world, "a"), page, refused, page, ping(world, "b"), ping(world, ""))), last]
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        connection.sendall(b"".join(sent))
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    assert [200, 200, 401, 200, 200, 400, 200] == [int(each[:3]) for each in found.split(b"HTTP/1.1 ")[1:]]


def test_a_request_in_small_pieces(world: World) -> None:
    """However its bytes arrive, a request is the same."""
    request = ping(world, "pieces")
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(0, len(request), 7):
            connection.sendall(request[place : place + 7])
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    assert found.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_sender_that_asks_before_it_sends(world: World) -> None:
    """Whoever waits to be asked for the body is asked, unless the head alone is refused."""
    whole = ping(world, "expects", "Expect: 100-continue")
    start, _, body = whole.partition(b"\r\n\r\n")
    for key, said in ((None, b"HTTP/1.1 100 Continue\r\n\r\n"), (b"nobody", b"HTTP/1.1 401 Unauthorized\r\n")):
        asked = start if key is None else start.replace(world.theirs.keys["lamp"]["send"].encode(), key)
        with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
            connection.sendall(asked + b"\r\n\r\n")
            found = connection.recv(65536)
            assert found.startswith(said)
            if key is None:
                connection.sendall(body)
                found = b"".join(iter(lambda: connection.recv(65536), b""))
                assert found.startswith(b"HTTP/1.1 200 OK\r\n")


def test_http_1_0(world: World) -> None:
    """A client of HTTP/1.0 is answered, and its connection closed."""
    status, body = answer(world, ping(world, "old").replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert (200, {"results": [{"outcome": "accepted"}]}) == (status, json.loads(body))


def test_heads_that_are_too_large(world: World) -> None:
    """A head of more than 64 KiB is refused, whether it is one header or many, and whole or not."""
    for lines in ([f"X-Large: {'x' * 70_000}"], [f"X-{number}: {'x' * 100}" for number in range(700)]):
        for request in (ping(world, "large", *lines), head(world, PINGS, *lines)[:-4]):
            status, _body = answer(world, request)
            assert 400 <= status < 500


def test_what_is_no_http(world: World) -> None:
    """Whatever else is said to the port is refused, and the receiver goes on."""
    for said in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 90,
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ):
        status, _body = answer(world, said)
        assert 400 <= status < 506


def test_a_sender_that_says_that_this_was_all(world: World) -> None:
    """Whoever closes its own direction behind a request sees the answer: pings and pages."""
    page = b"GET /livez HTTP/1.1\r\nHost: homing\r\n\r\n"
    for request, body in ((goes_on(ping(world, "all")), b'"accepted"'), (page, b"ok")):
        with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            found = b"".join(iter(lambda: connection.recv(65536), b""))
        assert found.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body in found


def test_a_body_that_does_not_end(world: World) -> None:
    """Whoever sends more and more is told once, and counted once."""
    before = world.receiver.outcomes().get("too_large", 0)
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        connection.sendall(head(world, PINGS, "Transfer-Encoding: chunked"))
        try:
            for _ in range(400):
                connection.sendall(b"10000\r\n%s\r\n" % BLOCK)
        except OSError:
            pass
    assert world.receiver.outcomes()["too_large"] == before + 1


def test_an_offer_of_another_protocol(world: World) -> None:
    """Who offers to go on with HTTP/2, as some libraries do at first, is answered in HTTP/1.1 and may go on in it."""
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    asked = ping(world, "up").replace(LAST.encode(), offer.encode())
    page = f"GET /livez HTTP/1.1\r\nHost: homing\r\n{offer.replace('Connection: ', 'Connection: close, ')}\r\n"
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        for _ in range(2):
            connection.sendall(asked)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
    assert (200, b"ok\n") == answer(world, page.encode())


def test_head(world: World) -> None:
    """HEAD has no body, also where it is refused."""
    request = head(world, PINGS).replace(b"POST", b"HEAD")
    assert (405, b"") == answer(world, request)


def talk(world: World, *parts: bytes, wait: float = 0.0) -> list[int]:
    """Say these parts on one connection, and return the statuses of what comes until it is closed."""
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=30) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(wait)
        found = b"".join(iter(lambda: connection.recv(65536), b""))
    return [int(each[:3]) for each in found.split(b"HTTP/1.1 ")[1:]]


PAGE = b"GET /livez HTTP/1.1\r\nHost: homing\r\n\r\n"
NONSENSE = b"\0X\r\n\r\n"


def test_nonsense_behind_requests(world: World) -> None:
    """What cannot be understood is answered after what came before it, and harms nobody else."""
    good = goes_on(ping(world, "before"))
    refused = good.replace(world.theirs.keys["lamp"]["send"].encode(), b"nobody")
    assert [200, 200, 400] == talk(world, good + good + NONSENSE)
    assert [401, 401, 400] == talk(world, refused + refused + NONSENSE)
    assert [200, 400] == talk(world, PAGE + NONSENSE)
    assert [200, 200, 200, 400] == talk(world, PAGE + good + PAGE + b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert 200 == answer(world, ping(world, "after"))[0]


def test_a_chunk_that_cannot_be(world: World) -> None:
    """A body that is damaged in the middle is refused alone; what came before it is answered."""
    chunked = goes_on(head(world, PINGS, "Transfer-Encoding: chunked"))
    assert [200, 400] == talk(world, goes_on(ping(world, "first")) + chunked + b'5\r\n{"a"', b"nonsense\r\n", wait=0.1)
    assert [400] == talk(world, chunked + b"zz\r\n")


@pytest.mark.parametrize("first", [PAGE, None])
def test_very_many_requests_at_once(world: World, first: bytes | None) -> None:
    """Of very many requests sent at once as many are answered as may wait; beyond that the connection ends."""
    odd = b"GET /in/a/v1/pings HTTP/1.1\r\n\r\n"
    statuses = talk(world, (first or goes_on(ping(world, "many"))) + 400 * odd)
    assert [200, *[405] * MOST_WAITING, 400] == statuses
    offers = 50 * PAGE.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    assert [200] * 51 == talk(world, offers + PAGE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))


def test_trailers(world: World) -> None:
    """What follows a body is no header, and is not read without end."""
    chunked = head(world, PINGS, "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n"
    assert [200] == talk(world, chunked + b"Authorization: Bearer nobody\r\n\r\n")
    assert [400] == talk(world, chunked, *[b"a:b\r\n" * 10_000] * 2, wait=0.2)
    form = head(world, SIGN_IN, "Transfer-Encoding: chunked").replace(b"Content-Type: application/json\r\n", b"")
    body = b'19\r\n{"name":"a","password":"b"}\r\n0\r\n'.replace(b"19", b"1b")
    assert talk(world, form + body + b"Content-Type: application/json\r\n\r\n")[0] == 415


def test_who_does_not_read(world: World) -> None:
    """Nothing more is taken in from who does not read the answers."""
    odd = b"OPTIONS /batch HTTP/1.1\r\n\r\n" * 1_000_000
    with socket.create_connection(("127.0.0.1", world.receiver.port), timeout=2) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with pytest.raises((TimeoutError, ConnectionError)):
            connection.sendall(odd)
    assert 200 == answer(world, ping(world, "another"))[0]


def test_too_many_at_once(world: World) -> None:
    """Who sends very many requests without waiting for an answer is told so, after those that were taken."""
    odd = b"PUT /in/a/v1/pings HTTP/1.1\r\nContent-Length: 0\r\n\r\n" * 1_000
    assert [405] * 101 + [400] == talk(world, odd)


def test_old_senders_that_offer(world: World) -> None:
    """A client of HTTP/1.0 stays one, whatever it offers; what follows a last request is not read."""
    offer = "Connection: upgrade\r\nUpgrade: h2c\r\n"
    old = ping(world, "old").replace(b"HTTP/1.1", b"HTTP/1.0").replace(LAST.encode(), offer.encode())
    assert 200 == answer(world, old)[0]
    last = ping(world, "last").replace(LAST.encode(), offer.replace("upgrade\r\n", "upgrade, close\r\n", 1).encode())
    assert [200] == talk(world, last + goes_on(ping(world, "ignored")))

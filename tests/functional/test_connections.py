"""Thousands of clients that say nothing, or stop in the middle, hold nobody up and are shown out in time."""

import json
import resource
import selectors
import socket
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

import psutil
import pytest

from tests.functional.conftest import MakeReceiver
from tests.functional.processes import process
from tests.functional.receiver import Receiver, until

pytestmark = pytest.mark.slow

IDLE: Final = 2000
STALLED: Final = 2000
PINGS: Final = 50
ROUNDS: Final = 4
GONE: Final = 50
TEN_THOUSAND: Final = 9_999
WAVES: Final = 2
MOST_GROWTH_MB: Final = 320
"""32 KiB for each connection; the first half of the waves finds out how much the process keeps for the next."""

LIMIT_SECONDS: Final = 0.1
FIRST_SECONDS: Final = 8
LAST_SECONDS: Final = 45
"""The timeouts are 10 s; on a busy machine it takes longer to notice thousands."""

HEAD: Final = "POST /v1/pings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n"


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Let this process open more connections than usual."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def cramped(receivers: MakeReceiver) -> Receiver:
    """A receiver that was started with the usual low limit on open files."""
    return receivers(before=("prlimit", "--nofile=1024:")).start()


def connect(stack: ExitStack, receiver: Receiver, count: int, said: bytes) -> list[socket.socket]:
    """Open connections, say the same on each, and close them with the stack."""
    opened = []
    for _ in range(count):
        connection = stack.enter_context(socket.create_connection(("127.0.0.1", receiver.port), 30))
        connection.sendall(said)
        opened.append(connection)
    return opened


def head(receiver: Receiver, length: int) -> bytes:
    """Return the head of a request with pings."""
    return HEAD.format(key=receiver.key, length=length).encode()


def wait_for_end(connections: Sequence[socket.socket], *, seconds: float) -> Counter[bytes]:
    """Read every connection to its end; return how often each status line came, empty where none did."""
    said = dict.fromkeys(connections, b"")
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as waiting:
        for connection in connections:
            connection.setblocking(False)
            waiting.register(connection, selectors.EVENT_READ)
        while waiting.get_map():
            assert time.monotonic() < deadline, f"{len(waiting.get_map())} connections are still open."
            for key, _events in waiting.select(1):
                part = _read(connections_of(key))
                said[connections_of(key)] += part
                if not part:
                    waiting.unregister(key.fileobj)
    return Counter(text.partition(b"\r\n")[0] for text in said.values())


def connections_of(key: selectors.SelectorKey) -> socket.socket:
    """Return the socket that a selector reports."""
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def _read(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def answered_in_time(receiver: Receiver) -> bool:
    """Send pings, each on a connection of its own; return whether nearly all were answered in time."""
    taken = []
    for number in range(PINGS):
        began = time.monotonic()
        with receiver.client() as client:
            assert 200 == client.send({"instance_id": f"instance-{number}"}).status
        taken.append(time.monotonic() - began)
    return statistics.median(taken) < LIMIT_SECONDS and statistics.quantiles(taken, n=20)[-1] < LIMIT_SECONDS


def test_thousands_of_stalled_connections(cramped: Receiver) -> None:
    """With 2,000 idle and 2,000 stalled connections pings are answered in under 100 ms; the stalled ones are ended."""
    with ExitStack() as stack:
        began = time.monotonic()
        connect(stack, cramped, IDLE, b"")
        half_heads = connect(stack, cramped, STALLED // 2, head(cramped, 100)[:40])
        half_bodies = connect(stack, cramped, STALLED // 2, head(cramped, 100) + b'{"instance_id":')
        until(lambda: open_sockets(cramped) > IDLE + STALLED, "All connections")
        assert any(answered_in_time(cramped) for _ in range(ROUNDS))
        assert {b"HTTP/1.1 408 Request Timeout": STALLED // 2} == wait_for_end(half_bodies, seconds=LAST_SECONDS)
        assert set(wait_for_end(half_heads, seconds=LAST_SECONDS)) <= {b"", b"HTTP/1.1 408 Request Timeout"}
        assert time.monotonic() - began > FIRST_SECONDS
        assert any(answered_in_time(cramped) for _ in range(ROUNDS))
    outcomes = cramped.outcomes()
    assert outcomes.keys() == {"accepted", "too_slow"}
    assert STALLED // 2 == outcomes["too_slow"]
    assert (outcomes["accepted"], PINGS) == cramped.summary()
    assert 0 == cramped.metrics()["homing_bugs_total"]


def test_memory_with_ten_thousand(receiver: Receiver) -> None:
    """10,000 clients that say nothing, stop in the middle or never finish are borne, and 10,000 after them."""
    begun = [b"", head(receiver, 100)[:40], head(receiver, 100) + b'{"instance_id":']
    before, closed = resident_mb(receiver), open_sockets(receiver)
    peaks = []
    for _ in range(WAVES):
        with ExitStack() as stack:
            for said in begun:
                connect(stack, receiver, TEN_THOUSAND // len(begun), said)
            until(lambda: open_sockets(receiver) > TEN_THOUSAND // 2, "Most connections")
            peaks.append(resident_mb(receiver))
            with receiver.client() as client:
                assert 200 == client.send({"instance_id": "one"}).status
        until(lambda: open_sockets(receiver) <= closed + WAVES, "The end of the connections", seconds=LAST_SECONDS)
    assert max(peaks) - before < MOST_GROWTH_MB
    assert 0 == receiver.metrics()["homing_bugs_total"]


def resident_mb(receiver: Receiver) -> float:
    """Return the memory of the receiving process, in MiB."""
    return float(psutil.Process(receiver.process.pid).memory_info().rss / 2**20)


def test_file_limit(cramped: Receiver) -> None:
    """The receiver raises its own limit on open files as far as it may."""
    soft, hard = resource.prlimit(cramped.process.pid, resource.RLIMIT_NOFILE)
    assert min(65_536, hard) == soft


def trickle(connection: socket.socket, said: bytes) -> bytes:
    """Say the same again and again until there is an answer, and return it; nothing where the connection is closed."""
    connection.settimeout(0.5)
    deadline = time.monotonic() + LAST_SECONDS
    while time.monotonic() < deadline:
        try:
            connection.sendall(said)
            return connection.recv(65536)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    pytest.fail("A client that trickles is served for ever.")


def test_slow_body(receiver: Receiver) -> None:
    """A body that trickles in is refused with 408 and a sentence once 10 seconds are over."""
    with ExitStack() as stack:
        [connection] = connect(stack, receiver, 1, head(receiver, 1000))
        began = time.monotonic()
        connection.settimeout(1)
        answer = trickle(connection, b" ")
        assert time.monotonic() - began > FIRST_SECONDS
    assert answer.startswith(b"HTTP/1.1 408 ")
    told = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert {"outcome": "too_slow", "error": "The body did not arrive in time."} == told
    assert {"too_slow": 1} == receiver.outcomes()


def test_slow_head(receiver: Receiver) -> None:
    """A head that trickles in is cut off once 10 seconds are over."""
    with ExitStack() as stack:
        [connection] = connect(stack, receiver, 1, b"POST /v1/pings HTTP/1.1\r\n")
        began = time.monotonic()
        assert trickle(connection, b"X-Slow: 1\r\n") in (b"", b"HTTP/1.1 408 Request Timeout\r\n")
        assert time.monotonic() - began > FIRST_SECONDS


GONE_EARLY: Final = {
    "half a body": "POST /v1/pings HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk": "POST /v1/pings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
    "no chunk": "POST /v1/pings HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxy\r\n",
    "half a form": "POST /api/v1/sign-in HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    "half a chunk of a form": "POST /api/v1/sign-in HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{",
    "no interest in a page": "GET /metrics HTTP/1.1\r\n\r\n",
}
"""What clients say before they close the connection."""


def test_gone_clients(receiver: Receiver) -> None:
    """Clients that leave in the middle of a request, whatever it is, leave nothing behind and break nothing."""
    before = open_sockets(receiver)
    also = f"HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer {receiver.key}"
    for said in GONE_EARLY.values():
        with ExitStack() as stack:
            connect(stack, receiver, GONE, said.replace("HTTP/1.1", also).encode())
        until(lambda: open_sockets(receiver) <= before, "The end of the connections")
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "one"}).status
    outcomes = receiver.outcomes()
    assert 1 == outcomes.pop("accepted")
    assert set(outcomes) <= {"malformed"}
    assert 0 == receiver.metrics()["homing_bugs_total"]
    assert (1, 1) == receiver.summary()


def open_sockets(receiver: Receiver) -> int:
    """Return how many sockets the receiver holds."""
    return process(receiver.process.pid).sockets()

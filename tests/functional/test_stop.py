"""Told to stop under load, the receiver answers what was sent before, keeps what it acknowledged, and ends soon."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from typing import Final

import pytest

from tests.functional.conftest import MakeReceiver
from tests.functional.receiver import Receiver, until

THREADS: Final = 8
CONNECTIONS: Final = 100
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


def request(key: str) -> bytes:
    """Return the bytes of a request with one ping."""
    body = json.dumps({"instance_id": "one"}).encode()
    head = f"POST /v1/pings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Sender:
    """A thread that sends pings until the receiver is gone, and remembers when each of them was wholly sent."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), 30)
        self._request = request(key)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self.answered = 0
        self.lost_at: float | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wait(self) -> None:
        """Wait for the end."""
        self._thread.join(30)
        assert not self._thread.is_alive(), "A request is waiting for ever."

    def _work(self) -> None:
        with self._connection, contextlib.suppress(OSError):
            while self._is_answered():
                self.answered += 1

    def _is_answered(self) -> bool:
        self._connection.sendall(self._request)
        self.lost_at = time.monotonic()
        return self._connection.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("number", SIGNALS)
def test_stop_under_load(receiver: Receiver, number: signal.Signals) -> None:
    """Every request sent before the signal is answered, and everything acknowledged is stored."""
    reader = until(receiver.reader, "A reader")
    senders = [Sender(receiver.port, receiver.key) for _ in range(THREADS)]
    for sender in senders:
        sender.start()
    until(lambda: all(sender.answered > 10 for sender in senders), "Load")
    began = time.monotonic()
    assert 0 == receiver.stop(number)
    assert time.monotonic() - began < 8
    assert not reader.is_running()
    for sender in senders:
        sender.wait()
        assert sender.lost_at is not None
        assert sender.lost_at > began
    acknowledged = sum(sender.answered for sender in senders)
    requests, clients = receiver.summary()
    assert acknowledged <= requests <= acknowledged + THREADS
    assert 1 == clients
    assert [1, 1] == [len(receiver.log(event)) for event in ("stopping", "stopped")]


@pytest.mark.parametrize("number", SIGNALS)
def test_stop_with_new_connections(receiver: Receiver, number: signal.Signals) -> None:
    """Requests on connections that were opened just before the signal are answered too."""
    connections = [socket.create_connection(("127.0.0.1", receiver.port), 30) for _ in range(CONNECTIONS)]
    for connection in connections:
        connection.sendall(request(receiver.key))
    assert 0 == receiver.stop(number)
    answers = [connection.recv(4096) for connection in connections]
    for connection in connections:
        connection.close()
    assert {b"HTTP/1.1 200 OK"} == {answer.partition(b"\r\n")[0] for answer in answers}
    assert (CONNECTIONS, 1) == receiver.summary()


def test_stop_while_idle(receiver: Receiver) -> None:
    """Connections that only stay open do not hold the end up."""
    with receiver.client() as client:
        assert 200 == client.send({"instance_id": "one"}).status
        began = time.monotonic()
        assert 0 == receiver.stop()
        assert time.monotonic() - began < 5


def test_stop_with_half_requests(receiver: Receiver) -> None:
    """Clients in the middle of sending do not hold the end up for long: container managers kill after 10 s."""
    half = request(receiver.key)
    connections = [socket.create_connection(("127.0.0.1", receiver.port), 30) for _ in range(20)]
    for place, connection in enumerate(connections):
        connection.sendall(half[: 20 if place % 2 else -5])
    began = time.monotonic()
    assert 0 == receiver.stop()
    assert time.monotonic() - began < 9
    assert 1 == len(receiver.log("cut_off"))
    for connection in connections:
        connection.close()


def test_stop_twice(receivers: MakeReceiver) -> None:
    """Impatience does no harm: a second signal while stopping shows no traceback."""
    receiver = receivers().start()
    receiver.process.send_signal(signal.SIGINT)
    assert 0 == receiver.stop(signal.SIGINT)


def test_ctrl_c_reaches_everyone(receivers: MakeReceiver) -> None:
    """A terminal sends Ctrl-C to the reader as well, perhaps while it is being loaded: no traceback."""
    receiver = receivers().start()
    os.killpg(receiver.process.pid, signal.SIGINT)
    assert 0 == receiver.process.wait(20)

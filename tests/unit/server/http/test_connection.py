"""Connections over real sockets, to a receiver in this process."""

import asyncio
import gc
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop

from homing.server.http.connection import Connection
from homing.server.http.listener import Listener
from tests.functional.receiver import free_port
from tests.receiving import HEARTBEAT, site

HEAD = "{} HTTP/1.1\r\nHost: x\r\nConnection: {}\r\nContent-Length: {}\r\n\r\n"
REQUESTS = {
    "the framework's": HEAD.format("GET /livez", "close", 0),
    "the lane's": HEAD.format(f"POST {HEARTBEAT}", "close", 2) + "{}",
    "cut off": HEAD.format(f"POST {HEARTBEAT}", "close", 9) + "{}",
    "kept alive": HEAD.format(f"POST {HEARTBEAT}", "keep-alive", 2) + "{}",
    "not HTTP": "?\r\n\r\n",
}


@contextmanager
def without_collector() -> Iterator[None]:
    """Let nothing be freed that holds itself."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def ask(port: int, request: str) -> None:
    """Send a request on a connection of its own, and end that, after the answer where there is one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    if "9\r\n" not in request:
        await reader.readline()
    writer.close()
    await writer.wait_closed()


def connections() -> int:
    """Return how many connections are in memory."""
    return sum(isinstance(each, Connection) for each in gc.get_objects())


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_nothing_is_left_to_the_collector(tmp_path: Path, request_: str) -> None:
    """Many a client sends one request a connection: what it leaves is freed at once, not in a long pause later."""

    async def run() -> int:
        listener = Listener(here.receiver.lane, here.receiver.framework, here.clock)
        port = free_port()
        await listener.start("127.0.0.1", port)
        # What is imported and remembered at the first request stays.
        await ask(port, request_)
        with without_collector():
            for _ in range(3):
                await ask(port, request_)
            left = connections()
            for _ in range(100):
                await asyncio.sleep(0.02)
                left = connections()
                if not left:
                    break
        await listener.stop()
        return left

    with site(tmp_path) as here:
        assert 0 == here.run(run())


def test_the_end_is_told_to_what_is_served(tmp_path: Path) -> None:
    """Who waits for a request's sender learns that it went away, also where it had sent another one meanwhile."""
    heard: list[str] = []

    async def framework(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        heard.append((await receive())["type"])

    async def run() -> None:
        port = free_port()
        listener = Listener(here.receiver.lane, framework, here.clock)
        await listener.start("127.0.0.1", port)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(2 * HEAD.format("GET /livez", "keep-alive", 0).encode())
        await reader.readline()
        writer.transport.abort()
        await asyncio.sleep(0.2)
        await listener.stop()

    with site(tmp_path) as here:
        here.run(run())
    assert ["http.disconnect"] == heard


def test_connecting_does_not_wait_for_the_loop(tmp_path: Path) -> None:
    """Many connections are accepted each time the event loop looks: it may have much to do in between."""

    async def run() -> list[int]:
        port = free_port()
        listener = Listener(here.receiver.lane, None, here.clock)
        await listener.start("127.0.0.1", port)
        with ExitStack() as stack:
            for _ in range(64):
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            before = connections()
            for _ in range(8):
                await asyncio.sleep(0)
            after = connections()
        await listener.stop()
        return [before, after]

    with site(tmp_path) as here:
        assert [0, 64] == uvloop.run(run())

"""Listens on a port, and stops without losing a request that was sent before."""

import asyncio
import logging
from typing import Any, Final

import structlog
from uvicorn.config import Config

from homing.clock import Clock
from homing.server.http.connection import Connection
from homing.server.http.shared import Shared
from homing.server.ingest.lane import Lane

BACKLOG: Final = 16_384
ACCEPTS: Final = 16
"""So many connections are accepted each time the event loop looks, for each copy of the socket one.

With one alone, whoever connected while the receiver had much to do waited for a fifth of a second.
"""

SWEEP_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 0.2
"""So long requests that were sent before a stop may take to be seen."""

DRAIN_SECONDS: Final = 5.0
"""How long senders may take to complete their requests after a stop. Container managers kill after 10 s."""

log: Final = structlog.get_logger("homing.serve")


class Listener:
    """Serves the lane, and the web framework behind it, on one port."""

    def __init__(self, lane: Lane, framework: Any, clock: Clock) -> None:
        # What it would log of strangers' requests has their addresses.
        logging.getLogger("uvicorn").disabled = True
        config = Config(
            framework,
            interface="asgi3",
            http=Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        config.load()
        self._clock = clock
        self._shared = Shared(lane, config, clock.monotonic)
        self._servers: list[asyncio.Server] = []
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen; raises `OSError` when the port cannot be had."""
        loop = asyncio.get_running_loop()
        self._tick()
        first = await loop.create_server(self._connection, host, port, backlog=BACKLOG)
        self._servers = [first]
        for socket in first.sockets * (ACCEPTS - 1):
            self._servers.append(await loop.create_server(self._connection, sock=socket.dup(), backlog=BACKLOG))
        self._sweeping = loop.create_task(self._sweep())

    def _connection(self) -> Connection:
        return Connection(self._shared)

    async def stop(self) -> None:
        """Answer what was sent before, take no new connections, and cut off who is still sending when time is up."""
        self._shared.draining = True
        # Whoever connected or sent just now is still in the queues of the system.
        await asyncio.sleep(GRACE_SECONDS)
        for server in self._servers:
            server.close()
        for connection in self._connections():
            connection.shutdown()
        try:
            await asyncio.wait_for(self._shared.gone(), DRAIN_SECONDS)
        except TimeoutError:
            log.warning("cut_off", reason="requests were not complete in time", seconds=DRAIN_SECONDS)
        for connection in self._connections():
            connection.transport.abort()
        if self._sweeping is not None:
            self._sweeping.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._tick()
            now = self._clock.monotonic()
            for connection in self._connections():
                try:
                    connection.sweep(now)
                except Exception:
                    # What is raised here would end the limits of all others.
                    log.exception("internal")

    def _connections(self) -> list[Connection]:
        return [each for each in self._shared.state.connections if isinstance(each, Connection)]

    def _tick(self) -> None:
        heads = self._shared.heads
        heads.tick(self._clock.now() / 1000)
        name, _, value = heads.date.rstrip().partition(b": ")
        self._shared.state.default_headers = [(name, value)]

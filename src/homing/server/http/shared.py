"""What all connections of a listener share."""

import asyncio
from collections.abc import Callable

from uvicorn.config import Config
from uvicorn.server import ServerState

from homing.server.http.heads import Heads
from homing.server.ingest.lane import Lane


class Shared:
    """What all connections of a listener share. `held` are the bytes of bodies that are not whole yet."""

    def __init__(self, lane: Lane, config: Config, now: Callable[[], float]) -> None:
        self.lane = lane
        self.config = config
        self.now = now
        self.state = ServerState()
        self.heads = Heads()
        self.held = 0
        self.draining = False
        self._gone = asyncio.Event()

    async def gone(self) -> None:
        """Wait until no connection is left."""
        while self.state.connections:
            self._gone.clear()
            await self._gone.wait()

    def one_less(self) -> None:
        """Take note that a connection ended."""
        self._gone.set()

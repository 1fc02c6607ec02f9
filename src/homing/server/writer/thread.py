"""A writer in this process: for the filling of the demo, and wherever no other process is wanted."""

import asyncio
import threading
from queue import SimpleQueue

from homing.clock import Clock
from homing.server.stores.base import Batch
from homing.server.writer.base import Told
from homing.server.writer.scribe import Ledger, Scribe


class WriterThread:
    """Writes in a thread of its own, one batch after the other. Made on the event loop that is told."""

    def __init__(self, store: Ledger, clock: Clock) -> None:
        self._scribe = Scribe(store, clock)
        self._queue: SimpleQueue[tuple[Batch, Told] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Write what was put off, and end."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def restarts(self) -> int:
        """How often it died: a thread does not."""
        return 0

    def write(self, batch: Batch, told: Told) -> None:
        """Make a batch durable, then tell."""
        self._queue.put((batch, told))

    def _work(self) -> None:
        while (job := self._queue.get()) is not None:
            batch, told = job
            recorded = self._scribe.record(batch)
            if self._loop is not None:
                self._loop.call_soon_threadsafe(told, recorded)
        self._scribe.settle()

"""The desk: gathers pings while the previous commit runs, and releases each request when its pings are durable.

One thread owns the store's writing side. When idle a batch is one ping, at once. Under load the thread lets as many
gather as came lately, for some milliseconds at most. Whatever was let in comes back with one verdict a ping.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple, Protocol

import structlog

from homing.clock import Clock
from homing.errors import StoreError, StoreRejected, StoreUnavailable
from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.stores.base import Batch

MOST_BYTES: Final = 64 * 1024 * 1024
BATCH_PINGS: Final = 5_000
IDLE_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 5

LOOK_SECONDS: Final = 0.0003
MOST_LOOKS: Final = 20
FADING: Final = 0.95
"""How much of what is expected is left after a batch that was smaller."""

Observe = Callable[[int, float], None]
"""Told of each commit: how many pings, how many seconds."""

log: Final = structlog.get_logger("homing.desk")


class Writer(Protocol):
    """The side of a store that the desk needs."""

    def record(self, batch: Batch) -> list[Verdict]:
        """Store a batch, durable on return."""

    def settle(self) -> None:
        """Write what `record` put off."""


class _Waiting(NamedTuple):
    """Pings of one request and whom to tell."""

    pings: Sequence[Ping]
    size: int
    told: asyncio.Future[list[Verdict]]


class Desk:
    """Joins the pings of many requests into batches. Everything but the writing thread runs on the event loop."""

    def __init__(self, store: Writer, clock: Clock, observe: Observe, most_pings: int = 10_000) -> None:
        self._store = store
        self._clock = clock
        self._observe = observe
        self._most = most_pings
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="desk", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._expected = 0
        self._rest = threading.Event()
        self.pings = 0
        self.size = 0
        self.healthy = True

    def start(self) -> None:
        """Start the writing thread; call on the event loop that requests run on."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the writing thread runs."""
        return self._thread.is_alive()

    async def stop(self) -> None:
        """Record everything that was let in, then end the thread."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        # The last releases were handed to the loop by the thread: let them run.
        await asyncio.sleep(0)

    def submit(self, pings: Sequence[Ping], size: int) -> asyncio.Future[list[Verdict]]:
        """Take pings in; the future holds their verdicts once they are durable. Raises `Refusal` when full.

        `size` is what the pings weigh, in bytes.
        """
        # One request alone is let in however many pings it has: it could never be sent otherwise.
        crowded = self.pings > 0 and self.pings + len(pings) > self._most
        if crowded or self.size + size > MOST_BYTES:
            raise Refusal("overloaded", retry_after=1)
        told: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
        self.pings += len(pings)
        self.size += size
        self._queue.put(_Waiting(pings, size, told))
        return told

    async def turn(self) -> None:
        """Wait until the pings that were let in are durable; not at all where there are none.

        Refusals wait like this. Answered at once, they would keep the event loop so busy that the writing thread had to
        wait for the interpreter after each of its steps.
        """
        if self.pings:
            told: asyncio.Future[list[Verdict]] = asyncio.get_running_loop().create_future()
            self._queue.put(_Waiting((), 0, told))
            await told

    def _release(self, group: Sequence[_Waiting], verdicts: Sequence[Verdict]) -> None:
        start = 0
        for waiting in group:
            end = start + len(waiting.pings)
            self.pings -= len(waiting.pings)
            self.size -= waiting.size
            if not waiting.told.done():
                waiting.told.set_result(list(verdicts[start:end]))
            start = end

    # The writing thread.

    def _work(self) -> None:
        running = True
        while running:
            group, running = self._gather()
            if group:
                self._expected = max(len(group), int(FADING * self._expected))
                pings = [ping for waiting in group for ping in waiting.pings]
                verdicts = self._commit(pings) if pings else []
                if self._loop is not None:
                    self._loop.call_soon_threadsafe(self._release, group, verdicts)
            else:
                self._settle()

    def _gather(self) -> tuple[list[_Waiting], bool]:
        """Return what is waiting, and False when there will be no more."""
        group: list[_Waiting] = []
        count = 0
        try:
            waiting = self._queue.get(timeout=IDLE_SECONDS)
            self._let_gather()
            while waiting is not None:
                group.append(waiting)
                count += len(waiting.pings)
                if count >= BATCH_PINGS:
                    return group, True
                waiting = self._queue.get_nowait()
        except Empty:
            return group, True
        return group, False

    def _let_gather(self) -> None:
        """Wait while more and more come in, until there are as many as lately.

        Those who were just answered come back. A larger batch costs little more than a small one; a commit that runs
        while they do takes three times as long: it must get the interpreter's lock back after each of its steps.
        """
        before = 0
        for _ in range(MOST_LOOKS):
            now = self._queue.qsize()
            if now == before or now >= self._expected - 1:
                return
            before = now
            self._rest.wait(LOOK_SECONDS)

    def _commit(self, pings: Sequence[Ping]) -> list[Verdict]:
        began = self._clock.monotonic()
        verdicts = self._record(pings)
        self._observe(len(pings), self._clock.monotonic() - began)
        return verdicts

    def _record(self, pings: Sequence[Ping]) -> list[Verdict]:
        """Record pings; those of a commit that fails on data again in halves, until the guilty one is alone."""
        try:
            verdicts = self._store.record(Batch(self._clock.id(), pings))
        except StoreUnavailable as error:
            self._unavailable(error)
            return [Refusal("unavailable", retry_after=RETRY_SECONDS)] * len(pings)
        except Exception as error:  # noqa: BLE001 - see below
            # Whatever it was: a fault that one ping brings about must not harm the others.
            if len(pings) > 1:
                half = len(pings) // 2
                return self._record(pings[:half]) + self._record(pings[half:])
            return [_guilty(error)]
        if not self.healthy:
            log.info("store_recovered")
        self.healthy = True
        return verdicts

    def _unavailable(self, error: StoreUnavailable) -> None:
        if self.healthy:
            log.error("store_unavailable", reason=str(error), answer="503 until it can be written again")
        self.healthy = False

    def _settle(self) -> None:
        try:
            self._store.settle()
        except StoreError as error:
            log.warning("settle_failed", reason=str(error))
        except Exception as error:
            # What this thread raises would end it, and with it all receiving.
            log.error("internal", exc_info=error)


def _guilty(error: Exception) -> Refusal:
    if isinstance(error, StoreRejected):
        log.warning("ping_unstorable", reason=str(error))
        return Refusal("unstorable")
    log.error("internal", exc_info=error)
    return Refusal("internal")

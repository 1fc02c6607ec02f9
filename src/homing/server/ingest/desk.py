"""The desk: gathers pings while the previous commit runs, and tells each request when its pings are durable.

Everything happens on the event loop. The writer makes one commit at a time; whatever comes in meanwhile is in the next.
When idle a batch is one request, at once. Where as much waits as fills one, the next goes ahead: the writer need not
wait for the event loop. Requests with few pings have batches of their own. Beside those of requests with many they go
ahead at once, for the writer takes them along in its next commit. Whatever was let in ends with one verdict a ping.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple

import structlog

from homing.clock import Clock
from homing.outcomes import Refusal, Verdict
from homing.ping import Ping
from homing.server.stores.base import Batch
from homing.server.writer.base import Writer
from homing.server.writer.scribe import Recorded

MOST_BYTES: Final = 64 * 1024 * 1024
BATCH_PINGS: Final = 200
"""A batch of so many is full: it takes the writer some milliseconds, which is how long others wait for it."""

MOST_AHEAD: Final = 2
"""So many batches of requests with few pings, and of others, are with the writer at most, where they are full."""

MOST_SMALL: Final = 16
"""So many batches of requests with few pings it may have beside others, full or not."""

STUCK_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
"""How long the last batches are waited for at the end."""

MOST_TURNS: Final = 16
"""So many refusals are told at a time; in between whatever else is ready on the event loop."""

FEW: Final = 10
"""So many pings a request may have to be apart from those that have more."""

LIGHT: Final = 4096
"""So many bytes its body may have, too."""

PROBE_SECONDS: Final = 5.0
"""So long after it could not be written the store is tried again, also where nobody sends anything meanwhile."""

Observe = Callable[[int, float], None]
"""Told of each commit: how many pings, how many seconds."""

Told = Callable[[Sequence[Verdict]], None]
"""Told the verdicts on the pings of one request."""

log: Final = structlog.get_logger("homing.desk")


class _Waiting(NamedTuple):
    """Pings of one request and whom to tell."""

    pings: Sequence[Ping]
    size: int
    told: Told


class _Queue:
    """Requests that wait for the writer, and how many batches of such it has."""

    def __init__(self) -> None:
        self._waiting: deque[_Waiting] = deque()
        self._pings = 0
        self.given = 0

    @property
    def is_full(self) -> bool:
        """Whether as many pings wait as fill a batch."""
        return self._pings >= BATCH_PINGS

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, waiting: _Waiting) -> None:
        """Let a request wait."""
        self._waiting.append(waiting)
        self._pings += len(waiting.pings)

    def take(self) -> list[_Waiting]:
        """Return the next requests: as many as one batch has room for, but always one."""
        group = [self._waiting.popleft()]
        count = len(group[0].pings)
        while self._waiting and count + len(self._waiting[0].pings) <= BATCH_PINGS:
            group.append(self._waiting.popleft())
            count += len(group[-1].pings)
        self._pings -= count
        return group


class Desk:
    """Joins the pings of many requests into batches."""

    def __init__(self, writer: Writer, clock: Clock, observe: Observe, most_pings: int = 10_000) -> None:
        self._writer = writer
        self._clock = clock
        self._observe = observe
        self._most = most_pings
        self._few, self._many = _Queue(), _Queue()
        self._given_at = 0.0
        self._turns: list[Callable[[], None]] = []
        self._untold: deque[Callable[[], None]] = deque()
        self._called = False
        self._probing: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self.pings = 0
        self.size = 0
        self.healthy = True

    @property
    def alive(self) -> bool:
        """Whether there is somebody to write, and writes."""
        is_stuck = self._is_writing and self._clock.monotonic() - self._given_at > STUCK_SECONDS
        return self._writer.alive and not is_stuck

    @property
    def _is_writing(self) -> bool:
        return self._few.given + self._many.given > 0

    def start(self) -> None:
        """Begin; call on the event loop that requests run on."""
        self._writer.start()

    async def stop(self) -> None:
        """Record everything that was let in, then end."""
        try:
            await asyncio.wait_for(self._empty.wait(), STOP_SECONDS)
        except TimeoutError:
            log.error("not_written", pings=self.pings, reason="the store did not answer in time")
        if self._probing is not None:
            self._probing.cancel()
        await self._writer.stop()

    def submit(self, pings: Sequence[Ping], size: int, *, told: Told) -> None:
        """Take pings in, and tell their verdicts once they are durable. Raises `Refusal` when full.

        `size` is what the pings weigh, in bytes.
        """
        # One request alone is let in however many pings it has: it could never be sent otherwise.
        crowded = self.pings > 0 and self.pings + len(pings) > self._most
        if crowded or self.size + size > MOST_BYTES:
            raise Refusal("overloaded", retry_after=1)
        self.pings += len(pings)
        self.size += size
        queue = self._few if len(pings) <= FEW and size <= LIGHT else self._many
        queue.add(_Waiting(pings, size, told))
        if self._is_due(queue) and not self._called:
            # What else is ready on the event loop comes along.
            self._called = True
            self._empty.clear()
            asyncio.get_running_loop().call_soon(self._hand_over)

    def turn(self, told: Callable[[], None]) -> None:
        """Tell when the commit under way is done, and a few others at a time.

        Refusals wait like this. Told at once, those who are refused would send the next request at once, and keep the
        event loop so busy that valid pings waited three times as long.
        """
        if self._is_writing:
            self._turns.append(told)
        else:
            self._tell_soon([told])

    def _tell_soon(self, turns: Sequence[Callable[[], None]]) -> None:
        if turns and not self._untold:
            asyncio.get_running_loop().call_soon(self._tell_some)
        self._untold += turns

    def _tell_some(self) -> None:
        for _ in range(min(len(self._untold), MOST_TURNS)):
            _tell(self._untold.popleft())
        if self._untold:
            asyncio.get_running_loop().call_soon(self._tell_some)

    def _is_due(self, queue: _Queue) -> bool:
        """Say whether the writer is to have another batch of these now."""
        return bool(queue) and queue.given < self._most_given(queue)

    def _most_given(self, queue: _Queue) -> int:
        if queue is self._few and self._many.given:
            return MOST_SMALL
        return MOST_AHEAD if queue.is_full else 1

    def _hand_over(self) -> None:
        """Give the writer what it is to have, and note when there is nothing left."""
        self._called = False
        for queue in (self._many, self._few):
            while self._is_due(queue):
                self._write(queue, queue.take())
        if not self._is_writing:
            self._empty.set()

    def _write(self, queue: _Queue, group: list[_Waiting]) -> None:
        pings = [ping for waiting in group for ping in waiting.pings]
        if not self._is_writing:
            self._given_at = self._clock.monotonic()
        queue.given += 1
        self._writer.write(Batch(self._clock.id(), pings), partial(self._release, queue, group))

    def _release(self, queue: _Queue, group: list[_Waiting], recorded: Recorded) -> None:
        queue.given -= 1
        self._given_at = self._clock.monotonic()
        # The writer is given its next batch first: it works while the answers to this one go out.
        self._hand_over()
        self._note(recorded)
        told: list[Callable[[], None]] = []
        start = 0
        for waiting in group:
            end = start + len(waiting.pings)
            self.size -= waiting.size
            told.append(partial(waiting.told, recorded.verdicts[start:end]))
            start = end
        self.pings -= start
        for tell in told:
            _tell(tell)
        turns, self._turns = self._turns, []
        self._tell_soon(turns)

    def _note(self, recorded: Recorded) -> None:
        if recorded.verdicts:
            self._observe(len(recorded.verdicts), recorded.seconds)
        if recorded.trouble and self.healthy:
            log.error("store_unavailable", reason=recorded.trouble, answer="503 until it can be written again")
        if not (recorded.trouble or self.healthy):
            log.info("store_recovered")
        self.healthy = not recorded.trouble
        if recorded.trouble and self._probing is None:
            self._probing = asyncio.get_running_loop().call_later(PROBE_SECONDS, self._probe)

    def _probe(self) -> None:
        """Try to write nothing, and see whether that can be: no ping may come while we say that we are not ready."""
        self._probing = None
        if not (self.healthy or self._is_writing or self._called):
            self._empty.clear()
            self._write(self._few, [])


def _tell(tell: Callable[[], None]) -> None:
    """Tell one request; a fault in that must not keep the others from being told."""
    try:
        tell()
    except Exception as error:
        log.error("internal", exc_info=error)

"""The desk: gathers pings while the previous commit runs, and tells each request when its pings are durable.

Everything happens on the event loop. One batch is with the writer at a time; whatever comes in meanwhile is the next.
When idle a batch is one request, at once. Where as much waits as fills one, the next goes ahead: the writer need not
wait for the event loop. Requests with few pings go before those with many, which would keep them waiting, and every
other time alone. Whatever was let in ends with one verdict a ping.
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
"""So many batches are with the writer at most."""

STUCK_SECONDS: Final = 10.0
STOP_SECONDS: Final = 5.0
"""How long the last batches are waited for at the end."""

MOST_TURNS: Final = 16
"""So many refusals are told at a time; in between whatever else is ready on the event loop."""

FEW: Final = 10
"""So many pings a request may have to go before those that have more."""

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


class Desk:
    """Joins the pings of many requests into batches."""

    def __init__(self, writer: Writer, clock: Clock, observe: Observe, most_pings: int = 10_000) -> None:
        self._writer = writer
        self._clock = clock
        self._observe = observe
        self._most = most_pings
        self._few: list[_Waiting] = []
        self._many: deque[_Waiting] = deque()
        self._queued = 0
        self._goes_alone = False
        self._given_at = 0.0
        self._given: deque[list[_Waiting]] = deque()
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
        is_stuck = bool(self._given) and self._clock.monotonic() - self._given_at > STUCK_SECONDS
        return self._writer.alive and not is_stuck

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
        queue = self._few if len(pings) <= FEW else self._many
        queue.append(_Waiting(pings, size, told))
        self._queued += len(pings)
        if self._is_due() and not self._called:
            # What else is ready on the event loop comes along.
            self._called = True
            self._empty.clear()
            asyncio.get_running_loop().call_soon(self._hand_over)

    def turn(self, told: Callable[[], None]) -> None:
        """Tell when the commit under way is done, and a few others at a time.

        Refusals wait like this. Told at once, those who are refused would send the next request at once, and keep the
        event loop so busy that valid pings waited three times as long.
        """
        if self._given:
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

    def _is_due(self) -> bool:
        """Say whether the writer is to have another batch now."""
        if not self._given:
            return bool(self._few or self._many)
        return self._queued >= BATCH_PINGS and len(self._given) < MOST_AHEAD

    def _hand_over(self) -> None:
        """Give the writer what it is to have, and note when there is nothing left."""
        self._called = False
        while self._is_due():
            self._write(self._next_group())
        if not self._given:
            self._empty.set()

    def _next_group(self) -> list[_Waiting]:
        """Take the next requests: those with few pings, and of the others as many as fit, but always one.

        Every other time, where both wait, those with few go alone: a small batch is there soon, and none is starved.
        """
        group, self._few = self._few[:BATCH_PINGS], self._few[BATCH_PINGS:]
        self._goes_alone = bool(group and self._many) and not self._goes_alone
        if self._goes_alone:
            return group
        left = BATCH_PINGS - sum(len(waiting.pings) for waiting in group)
        is_first = True
        while self._many and (is_first or len(self._many[0].pings) <= left):
            group.append(self._many.popleft())
            left -= len(group[-1].pings)
            is_first = False
        return group

    def _write(self, group: list[_Waiting]) -> None:
        pings = [ping for waiting in group for ping in waiting.pings]
        self._queued -= len(pings)
        if not self._given:
            self._given_at = self._clock.monotonic()
        self._given.append(group)
        self._writer.write(Batch(self._clock.id(), pings), self._release)

    def _release(self, recorded: Recorded) -> None:
        group = self._given.popleft()
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
        if not (self.healthy or self._given or self._called):
            self._empty.clear()
            self._write([])


def _tell(tell: Callable[[], None]) -> None:
    """Tell one request; a fault in that must not keep the others from being told."""
    try:
        tell()
    except Exception as error:
        log.error("internal", exc_info=error)
